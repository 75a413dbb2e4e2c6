/** What each label may hold, and what bounds it: the second half of `docs/metrics.md`. A test finds a label that is missing. */
export const LABELS: Readonly<Record<string, string>> = {
  answer: 'the kind of answer, as code names them; at most 60',
  breaker: '`knot`, `none` (pushes that name no merchant), a merchant id; at most 200, then `other`',
  cause: 'a stable code: `unreachable`, `rate_limited`, `unavailable`, `vault_timeout`, …; at most 60',
  certificate: '`own`, `authority`',
  kind: 'of timers `switch`, `vault`, `soft`, `hard`, `until`, `wake`, `resume`; of commands `DISCOVER`, `SWITCH`, `RECONCILE`, `CANCEL`; of records `lifecycle`, `knot` or one of the webhooks that Knot documents; of permits `push`, `look`',
  limit: '`concurrency`, `per_second`, `open_commands` (of each partition)',
  merchant: "Knot's merchant id, the first ones that a process meets (100 for outcomes, 200 for limits), then `other`",
  node: 'version of Node',
  operation:
    '`push`, `accounts`, `key` of Knot, `card`, `status` of the vault, `owner` of the directory, `schema`, `subject` of the registry',
  partition: 'number of the input partition; only those that the process has',
  path: '`decided`: the outcome was given to the record itself; `pushed`: to the answer of a command that it had caused',
  reason:
    "a stable code of [contract.md](contract.md); Knot's failure reasons in snake case; at most 160. Of `onfile_paused` why",
  result:
    'of transactions `committed` (at once), `found-committed` and `resent` (in doubt, looked up), `lost` (another instance has the partition, nothing was committed); of commands the result code; of tasks `accepted`, `ambiguous`, `missed`, `suppressed`, `card_refused`, `rejected`, `duplicate`, `no_card`, `no_key`, `no_task`',
  revision: 'commit of the build, `unknown` where the image was built without it',
  role: '`ingest`, `decide`, `provision`, `switcher`',
  state:
    'of a task `assigned`, `locking`, `restoring`, `running`, `draining`, `closed`, `fenced`, `failed`; of a role `starting`, `joining`, `stable`, `stopped`, `failed`; of suppressions `ACTIVE`, `LIFTED`',
  status: 'status of an outcome, 12 of them',
  system: '`knot`, `vault`, `directory`, `registry`; of certificates also `kafka`',
  topic: 'a configured input topic',
  version: 'release of onfile',
}

/** prom-client's own metrics that rules and dashboards use. */
export const PROCESS_METRICS: Readonly<Record<string, string>> = {
  process_cpu_seconds_total: 'CPU time of the process',
  process_resident_memory_bytes: 'memory of the process, with what stands outside of the heap',
  process_start_time_seconds: 'when it started, seconds since the epoch',
  process_open_fds: 'open files and sockets',
  nodejs_eventloop_lag_p99_seconds: 'how late the event loop is, 99th percentile since the last scrape',
  nodejs_heap_size_used_bytes: 'heap in use',
  nodejs_external_memory_bytes: 'memory of buffers: the batches and the state of the tasks',
}
