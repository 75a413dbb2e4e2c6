import type { RuleGroup } from './alert.ts'

const TASK = 'by (job, role, topic, partition)'
const ROLE = 'by (job, role)'
/** A pause that somebody has ordered ends by itself, within hours: nobody is to be woken for it. */
const NOT_PAUSED = `unless max ${TASK} (onfile_task_paused) == 1`

/** Does every partition have an owner that gets on? */
export const tasks: RuleGroup = {
  name: 'onfile-tasks',
  rules: [
    {
      name: 'OnfileAbsent',
      severity: 'page',
      expr: 'absent(onfile_build_info)',
      for: '5m',
      summary: 'No onfile is seen at all.',
      description: 'No process of onfile has been scraped for 5 minutes: none runs, or Prometheus does not reach them.',
    },
    {
      name: 'OnfileRoleAbsent',
      severity: 'page',
      // The series of a role go with its last process, and with them every alert on its tasks and partitions. A process that
      // starts again and again shows itself now and then, but does not get as far as its group. The chart, which knows the
      // roles that must be there, puts them in the place of what stands before `unless`.
      expr:
        `max ${ROLE} (max_over_time(onfile_role_state{state="stable"}[1d])) == 1 unless ` +
        `max ${ROLE} (max_over_time(onfile_role_state{state=~"stable|joining"}[5m])) == 1`,
      for: '5m',
      summary: 'A role is gone: no process of it is at work.',
      description: 'No process has been at work as {{ $labels.role }} for 10 minutes. What is for it waits.',
    },
    {
      name: 'OnfileTargetDown',
      severity: 'ticket',
      expr: 'max by (job, instance) (up) == 0 and on (job) max by (job) (max_over_time(onfile_build_info[1d])) == 1',
      for: '10m',
      summary: 'A process of onfile does not answer the scrape.',
      description:
        '{{ $labels.instance }} has not answered Prometheus for 10 minutes: it does not run, or is not reached. Nothing else is ' +
        'known of it meanwhile.',
    },
    {
      name: 'OnfileRoleFailed',
      severity: 'page',
      expr: `max by (job, instance, role) (onfile_role_state{state="failed"}) == 1`,
      for: '2m',
      summary: 'A role has stopped for good and waits for a person.',
      description: '{{ $labels.role }} on {{ $labels.instance }} has failed and does not start again by itself.',
    },
    {
      name: 'OnfileRoleNotJoined',
      severity: 'ticket',
      expr: 'max by (job, instance, role) (onfile_role_state{state=~"starting|joining"}) == 1',
      for: '15m',
      summary: 'A role does not get into its consumer group.',
      description: '{{ $labels.role }} on {{ $labels.instance }} has not joined its group for 15 minutes.',
    },
    {
      name: 'OnfilePartitionUnowned',
      severity: 'page',
      expr:
        'max by (job, role, topic) (onfile_input_partitions) - (sum by (job, role, topic) ' +
        '(onfile_consumer_assigned_partitions) or 0 * max by (job, role, topic) (onfile_input_partitions)) > 0',
      for: '10m',
      summary: 'Partitions of an input topic belong to no process.',
      description:
        '{{ $value }} partitions of {{ $labels.topic }} have had no owner in {{ $labels.role }} for 10 minutes.',
    },
    {
      name: 'OnfileConsumerStalled',
      severity: 'page',
      expr:
        `max ${TASK} (onfile_consumer_lag_seconds) > 120 and ` +
        `max ${TASK} (changes(onfile_consumer_position[10m])) == 0 ${NOT_PAUSED}`,
      for: '5m',
      summary: 'A partition has records and does not move.',
      description:
        '{{ $labels.role }} has not moved in {{ $labels.topic }}-{{ $labels.partition }} for 10 minutes; the oldest record ' +
        'that waits is {{ $value | humanizeDuration }} old.',
    },
    {
      name: 'OnfileLagHigh',
      severity: 'ticket',
      expr: `max ${TASK} (onfile_consumer_lag_seconds) > 300 ${NOT_PAUSED}`,
      for: '15m',
      summary: 'A partition is behind and does not catch up.',
      description:
        '{{ $labels.role }} is {{ $value | humanizeDuration }} behind in {{ $labels.topic }}-{{ $labels.partition }}.',
    },
    {
      name: 'OnfileInputBlocked',
      severity: 'page',
      // What an open transaction hides is no lag. One that ends within its timeout (15 minutes at most, unless the broker says
      // otherwise) lets the position move on.
      expr:
        `max ${TASK} (min_over_time(onfile_input_blocked_records[15m])) > 0 and ` +
        `max ${TASK} (changes(onfile_consumer_position[15m])) == 0`,
      for: '5m',
      summary: 'A transaction of a producer does not end and hides the records behind it.',
      description:
        '{{ $value | printf "%.0f" }} records of {{ $labels.topic }}-{{ $labels.partition }} have been behind an open transaction for ' +
        '15 minutes: {{ $labels.role }} cannot read them.',
    },
    {
      name: 'OnfileTaskWaiting',
      severity: 'ticket',
      expr: `max ${TASK} (onfile_task_waiting) == 1`,
      for: '10m',
      summary: 'A partition waits for something outside of onfile.',
      description:
        '{{ $labels.role }} {{ $labels.topic }}-{{ $labels.partition }} has not gone on by itself for 10 minutes; /readyz says ' +
        'what it waits for.',
    },
    {
      name: 'OnfileTaskPaused',
      severity: 'ticket',
      // A pause ends by itself after hours and can be renewed for ever; the moment between two is no end of it.
      // What looks back over that moment is still true 10 minutes after the end, so an hour of pause takes 70 minutes to tell.
      expr: `max ${TASK} (max_over_time(onfile_task_paused[10m])) == 1`,
      for: '70m',
      summary: 'A partition has been paused by an operator for more than an hour.',
      description:
        '{{ $labels.role }} {{ $labels.topic }}-{{ $labels.partition }} has been paused for more than an hour: its records wait, ' +
        'opt-outs among them, and the alerts on its lag are silent.',
    },
    {
      name: 'OnfileTaskFailing',
      severity: 'page',
      expr: `sum ${ROLE} (increase(onfile_task_transitions_total{state="failed"}[15m])) > 3`,
      summary: 'Tasks fail again and again.',
      description: 'Tasks of {{ $labels.role }} have failed {{ $value | printf "%.0f" }} times in 15 minutes.',
    },
    {
      name: 'OnfileTaskStopped',
      severity: 'page',
      expr: `max ${TASK} (onfile_task_state{state="failed"}) == 1`,
      for: '5m',
      summary: 'A partition has stopped and waits for an operator.',
      description:
        '{{ $labels.role }} {{ $labels.topic }}-{{ $labels.partition }} has stood for 5 minutes with an error that is not tried ' +
        'again, or fails each time; /readyz and the log name the code.',
    },
    {
      name: 'OnfileRebalanceStorm',
      severity: 'ticket',
      expr: `max ${ROLE} (increase(onfile_consumer_rebalances_total[15m])) > 6`,
      summary: 'A consumer group does not come to rest.',
      description: '{{ $labels.role }} got {{ $value | printf "%.0f" }} assignments in 15 minutes.',
    },
    {
      name: 'OnfileRestarting',
      severity: 'ticket',
      expr: 'changes(process_start_time_seconds[1h]) > 3 and on (job, instance) onfile_build_info',
      summary: 'A process starts again and again.',
      description: '{{ $labels.instance }} has started {{ $value }} times in an hour.',
    },
    {
      name: 'OnfileEventLoopBlocked',
      severity: 'ticket',
      expr: 'nodejs_eventloop_lag_p99_seconds > 1 and on (job, instance) onfile_build_info',
      for: '10m',
      summary: 'A process cannot keep up with its own work.',
      description: 'The event loop of {{ $labels.instance }} is {{ $value | humanizeDuration }} late.',
    },
  ],
}
