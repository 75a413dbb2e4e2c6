import type { AlertCase } from './alertCase.ts'

const TASK = 'job="onfile",instance="a:9400",role="decide",topic="onfile-user-events",partition="3"'
const TASK_LABELS = { job: 'onfile', role: 'decide', topic: 'onfile-user-events', partition: '3' }
const ROLE = 'job="onfile",instance="a:9400",role="decide"'
const ROLE_LABELS = { job: 'onfile', role: 'decide' }
const INSTANCE_ROLE = { ...ROLE_LABELS, instance: 'a:9400' }
const BUILD = { 'onfile_build_info{job="onfile",instance="a:9400",version="1",node="v24"}': '1x120' }

export const TASK_CASES: readonly AlertCase[] = [
  {
    alert: 'OnfileAbsent',
    what: 'nothing is scraped',
    series: {},
    at: '10m',
    fires: {
      labels: {},
      description: 'No process of onfile has been scraped for 5 minutes: none runs, or Prometheus does not reach them.',
    },
  },
  { alert: 'OnfileAbsent', what: 'one process of several is left', series: BUILD, at: '10m', fires: null },
  {
    alert: 'OnfileRoleFailed',
    what: 'a fenced instance id',
    series: { [`onfile_role_state{${ROLE},state="failed"}`]: '0x5 1x30' },
    at: '15m',
    fires: {
      labels: INSTANCE_ROLE,
      description: 'decide on a:9400 has failed and does not start again by itself.',
    },
  },
  {
    alert: 'OnfileRoleFailed',
    what: 'a role that starts',
    series: {
      [`onfile_role_state{${ROLE},state="failed"}`]: '0x40',
      [`onfile_role_state{${ROLE},state="starting"}`]: '1x40',
    },
    at: '15m',
    fires: null,
  },
  {
    alert: 'OnfileRoleNotJoined',
    what: 'a topic that nobody creates',
    series: { [`onfile_role_state{${ROLE},state="starting"}`]: '1x40' },
    at: '20m',
    fires: { labels: INSTANCE_ROLE, description: 'decide on a:9400 has not joined its group for 15 minutes.' },
  },
  {
    alert: 'OnfileRoleNotJoined',
    what: 'a rolling restart of ten minutes',
    series: {
      [`onfile_role_state{${ROLE},state="joining"}`]: '1x10 0x30',
      [`onfile_role_state{${ROLE},state="starting"}`]: '0x40',
    },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfilePartitionUnowned',
    what: 'two instances have six of eight partitions',
    series: {
      'onfile_input_partitions{job="onfile",instance="a:9400",role="decide",topic="t"}': '8x40',
      'onfile_input_partitions{job="onfile",instance="b:9400",role="decide",topic="t"}': '8x40',
      'onfile_consumer_assigned_partitions{job="onfile",instance="a:9400",role="decide",topic="t"}': '4x40',
      'onfile_consumer_assigned_partitions{job="onfile",instance="b:9400",role="decide",topic="t"}': '2x40',
    },
    at: '20m',
    fires: {
      labels: { ...ROLE_LABELS, topic: 't' },
      description: '2 partitions of t have had no owner in decide for 10 minutes.',
    },
  },
  {
    alert: 'OnfilePartitionUnowned',
    what: 'nobody has any',
    series: { 'onfile_input_partitions{job="onfile",instance="a:9400",role="decide",topic="t"}': '8x40' },
    at: '20m',
    fires: {
      labels: { ...ROLE_LABELS, topic: 't' },
      description: '8 partitions of t have had no owner in decide for 10 minutes.',
    },
  },
  {
    alert: 'OnfilePartitionUnowned',
    what: 'all are owned, by two',
    series: {
      'onfile_input_partitions{job="onfile",instance="a:9400",role="decide",topic="t"}': '8x40',
      'onfile_consumer_assigned_partitions{job="onfile",instance="a:9400",role="decide",topic="t"}': '4x40',
      'onfile_consumer_assigned_partitions{job="onfile",instance="b:9400",role="decide",topic="t"}': '4x40',
    },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileConsumerStalled',
    what: 'records wait and the position stands',
    series: { [`onfile_consumer_lag_seconds{${TASK}}`]: '0+60x40', [`onfile_consumer_position{${TASK}}`]: '500x40' },
    at: '20m',
    fires: {
      labels: TASK_LABELS,
      description:
        'decide has not moved in onfile-user-events-3 for 10 minutes; the oldest record that waits is 20m 0s old.',
    },
  },
  {
    alert: 'OnfileConsumerStalled',
    what: 'an idle topic: the position stands and nothing waits',
    series: { [`onfile_consumer_lag_seconds{${TASK}}`]: '0x40', [`onfile_consumer_position{${TASK}}`]: '500x40' },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileConsumerStalled',
    what: 'a backlog that is worked off',
    series: { [`onfile_consumer_lag_seconds{${TASK}}`]: '900x40', [`onfile_consumer_position{${TASK}}`]: '0+50x40' },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileConsumerStalled',
    what: 'an operator has paused the partition',
    series: {
      [`onfile_consumer_lag_seconds{${TASK}}`]: '0+60x40',
      [`onfile_consumer_position{${TASK}}`]: '500x40',
      [`onfile_task_paused{${TASK}}`]: '1x40',
    },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileLagHigh',
    what: 'an operator had paused the partition, and it does not catch up after that',
    series: {
      [`onfile_consumer_lag_seconds{${TASK}}`]: '600x80',
      [`onfile_task_paused{${TASK}}`]: '1x30 0x50',
    },
    at: '50m',
    fires: { labels: TASK_LABELS, description: 'decide is 10m 0s behind in onfile-user-events-3.' },
  },
  {
    alert: 'OnfileLagHigh',
    what: 'an operator has paused the partition',
    series: { [`onfile_consumer_lag_seconds{${TASK}}`]: '600x40', [`onfile_task_paused{${TASK}}`]: '1x40' },
    at: '30m',
    fires: null,
  },
  {
    alert: 'OnfileLagHigh',
    what: 'ten minutes behind for half an hour',
    series: { [`onfile_consumer_lag_seconds{${TASK}}`]: '600x40' },
    at: '30m',
    fires: { labels: TASK_LABELS, description: 'decide is 10m 0s behind in onfile-user-events-3.' },
  },
  {
    alert: 'OnfileLagHigh',
    what: 'a peak of ten minutes',
    series: { [`onfile_consumer_lag_seconds{${TASK}}`]: '0x10 600x10 0x20' },
    at: '30m',
    fires: null,
  },
  {
    alert: 'OnfileTaskWaiting',
    what: 'the registry is down',
    series: { [`onfile_task_waiting{${TASK}}`]: '1x40' },
    at: '15m',
    fires: {
      labels: TASK_LABELS,
      description:
        'decide onfile-user-events-3 has not gone on by itself for 10 minutes; /readyz says what it waits for.',
    },
  },
  {
    alert: 'OnfileTaskWaiting',
    what: 'a commit in doubt for two minutes',
    series: { [`onfile_task_waiting{${TASK}}`]: '0x5 1x2 0x30' },
    at: '15m',
    fires: null,
  },
  {
    alert: 'OnfileTaskFailing',
    what: 'a task that fails every two minutes',
    series: { [`onfile_task_transitions_total{${ROLE},state="failed"}`]: '0+0.5x40' },
    at: '30m',
    fires: { labels: ROLE_LABELS, description: 'Tasks of decide have failed 8 times in 15 minutes.' },
  },
  {
    alert: 'OnfileTaskFailing',
    what: 'one failure',
    series: { [`onfile_task_transitions_total{${ROLE},state="failed"}`]: '0x10 1x30' },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileTaskStopped',
    what: 'a committed offset that is gone',
    series: { [`onfile_task_state{${TASK},state="failed"}`]: '0x5 1x30' },
    at: '15m',
    fires: {
      labels: TASK_LABELS,
      description:
        'decide onfile-user-events-3 has stood for 5 minutes with an error that is not tried again, or fails each time; ' +
        '/readyz and the log name the code.',
    },
  },
  {
    alert: 'OnfileTaskStopped',
    what: 'a task that is opened again after two minutes',
    series: { [`onfile_task_state{${TASK},state="failed"}`]: '0x5 1x2 0x30' },
    at: '15m',
    fires: null,
  },
  {
    alert: 'OnfileRebalanceStorm',
    what: 'an assignment a minute',
    series: { [`onfile_consumer_rebalances_total{${ROLE}}`]: '0+1x40' },
    at: '30m',
    fires: { labels: ROLE_LABELS, description: 'decide got 15 assignments in 15 minutes.' },
  },
  {
    alert: 'OnfileRebalanceStorm',
    what: 'the rolling restart of three instances',
    series: { [`onfile_consumer_rebalances_total{${ROLE}}`]: '1x10 2 3 4 5 6x20' },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileRestarting',
    what: 'a start every ten minutes',
    series: {
      ...BUILD,
      'process_start_time_seconds{job="onfile",instance="a:9400"}': '0x9 600x9 1200x9 1800x9 2400x9 3000x20',
    },
    at: '60m',
    fires: {
      labels: { job: 'onfile', instance: 'a:9400' },
      description: 'a:9400 has started 5 times in an hour.',
    },
  },
  {
    alert: 'OnfileRestarting',
    what: 'another program that does so',
    series: { ...BUILD, 'process_start_time_seconds{job="other",instance="c:1"}': '0+60x120' },
    at: '60m',
    fires: null,
  },
  {
    alert: 'OnfileEventLoopBlocked',
    what: 'two seconds late all the time',
    series: { ...BUILD, 'nodejs_eventloop_lag_p99_seconds{job="onfile",instance="a:9400"}': '2x40' },
    at: '20m',
    fires: {
      labels: { job: 'onfile', instance: 'a:9400' },
      description: 'The event loop of a:9400 is 2s late.',
    },
  },
  {
    alert: 'OnfileEventLoopBlocked',
    what: 'a pause of a garbage collection',
    series: { ...BUILD, 'nodejs_eventloop_lag_p99_seconds{job="onfile",instance="a:9400"}': '0.02x10 2 0.02x30' },
    at: '20m',
    fires: null,
  },
]
