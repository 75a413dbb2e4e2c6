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
    alert: 'OnfileRoleAbsent',
    what: 'the provisioner is gone, the processor runs: pages',
    series: {
      ...BUILD,
      [`onfile_role_state{${ROLE},state="stable"}`]: '1x120',
      'onfile_role_state{job="onfile",instance="b:9400",role="provision",state="stable"}': '1x30',
      'onfile_input_partitions{job="onfile",instance="b:9400",role="provision",topic="t"}': '8x30',
    },
    at: '50m',
    fires: {
      labels: { job: 'onfile', role: 'provision' },
      description: 'No process has been at work as provision for 10 minutes. What is for it waits.',
    },
  },
  {
    alert: 'OnfileRoleAbsent',
    what: 'it starts again and again, and never gets as far as its group',
    series: {
      'onfile_role_state{job="onfile",instance="b:9400",role="provision",state="stable"}': '1x30 0x60',
      'onfile_role_state{job="onfile",instance="b:9400",role="provision",state="starting"}':
        '0x30 1 _x3 1 _x3 1 _x3 1 _x3 1 _x3 1 _x3',
    },
    at: '50m',
    fires: {
      labels: { job: 'onfile', role: 'provision' },
      description: 'No process has been at work as provision for 10 minutes. What is for it waits.',
    },
  },
  {
    alert: 'OnfileRoleAbsent',
    what: 'another installation goes on',
    series: {
      [`onfile_role_state{${ROLE},state="stable"}`]: '1x30',
      'onfile_role_state{job="other",instance="c:9400",role="decide",state="stable"}': '1x120',
    },
    at: '50m',
    fires: {
      labels: ROLE_LABELS,
      description: 'No process has been at work as decide for 10 minutes. What is for it waits.',
    },
  },
  {
    alert: 'OnfileRoleAbsent',
    what: 'one of two processes is gone',
    series: {
      [`onfile_role_state{${ROLE},state="stable"}`]: '1x30',
      'onfile_role_state{job="onfile",instance="b:9400",role="decide",state="stable"}': '1x120',
    },
    at: '50m',
    fires: null,
  },
  {
    alert: 'OnfileRoleAbsent',
    what: 'the only process is replaced within minutes',
    series: {
      [`onfile_role_state{${ROLE},state="stable"}`]: '1x30 _x4',
      'onfile_role_state{job="onfile",instance="b:9400",role="decide",state="stable"}': '_x35 1x60',
    },
    at: '39m',
    fires: null,
  },
  {
    alert: 'OnfileRoleAbsent',
    what: 'a role that was taken away two days ago',
    sample: '30m',
    series: { [`onfile_role_state{${ROLE},state="stable"}`]: '1x4 _x200' },
    at: '50h',
    fires: null,
  },
  {
    alert: 'OnfileTargetDown',
    what: 'a pod that ends as soon as it starts',
    series: { ...BUILD, 'up{job="onfile",instance="a:9400"}': '1x120', 'up{job="onfile",instance="b:9400"}': '0x120' },
    at: '20m',
    fires: {
      labels: { job: 'onfile', instance: 'b:9400' },
      description:
        'b:9400 has not answered Prometheus for 10 minutes: it does not run, or is not reached. Nothing else is known of it ' +
        'meanwhile.',
    },
  },
  {
    alert: 'OnfileTargetDown',
    what: 'a restart, and something else that is down',
    series: {
      ...BUILD,
      'up{job="onfile",instance="a:9400"}': '1x10 0x4 1x60',
      'up{job="other",instance="c:1"}': '0x120',
    },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileTaskPaused',
    what: 'a pause that is renewed, with a minute between',
    series: { [`onfile_task_paused{${TASK}}`]: '1x45 0 1x45' },
    at: '80m',
    fires: {
      labels: TASK_LABELS,
      description:
        'decide onfile-user-events-3 has been paused for more than an hour: its records wait, opt-outs among them, and the ' +
        'alerts on its lag are silent.',
    },
  },
  {
    alert: 'OnfileTaskPaused',
    what: 'fifty-five minutes, which is less than an hour',
    series: { [`onfile_task_paused{${TASK}}`]: '0x10 1x55 0x60' },
    at: '75m',
    fires: null,
  },
  {
    alert: 'OnfileTaskPaused',
    what: 'half an hour',
    series: { [`onfile_task_paused{${TASK}}`]: '0x10 1x30 0x60' },
    at: '75m',
    fires: null,
  },
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
    alert: 'OnfileInputBlocked',
    what: 'a producer of the issuer hangs in a transaction',
    series: {
      [`onfile_input_blocked_records{${TASK}}`]: '0x5 40x60',
      [`onfile_consumer_position{${TASK}}`]: '500x70',
    },
    at: '40m',
    fires: {
      labels: TASK_LABELS,
      description:
        '40 records of onfile-user-events-3 have been behind an open transaction for 15 minutes: decide cannot read them.',
    },
  },
  {
    alert: 'OnfileInputBlocked',
    what: 'there is always one of many transactions open, and the position moves',
    series: {
      [`onfile_input_blocked_records{${TASK}}`]: '5x70',
      [`onfile_consumer_position{${TASK}}`]: '0+100x70',
    },
    at: '40m',
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
