import { stringify } from 'yaml'
import { isAlert } from './alerts/alert.ts'
import type { Alert, RecordingRule, RuleGroup } from './alerts/alert.ts'
import { RULE_GROUPS } from './alerts/groups.ts'

const GENERATED = '# Generated from monitoring/alerts/ by `npm run monitoring`; a test fails when it is stale.\n'
/** Where the runbooks are unless told: in this repository. */
export const RUNBOOKS = 'docs/runbooks/'

/**
 * The rules for Prometheus' `rule_files`.
 *
 * @param runbooks what stands before `<alert>.md`: give the address at which your people find them
 */
export function rulesFile(runbooks = RUNBOOKS): string {
  return GENERATED + yaml({ groups: groupsOf(runbooks) })
}

/** The same for the operator of Prometheus: a PrometheusRule. Labels that select it are yours to add. */
export function prometheusRule(runbooks = RUNBOOKS): string {
  return (
    GENERATED +
    yaml({
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { name: 'onfile', labels: { 'app.kubernetes.io/name': 'onfile' } },
      spec: { groups: groupsOf(runbooks) },
    })
  )
}

/** What is annotated on an alert, before Prometheus fills in labels and value. */
export function annotationsOf({ name, summary, description }: Alert, runbooks = RUNBOOKS): Record<string, string> {
  return { summary, description, runbook_url: `${runbooks}${name}.md` }
}

function groupsOf(runbooks: string): object[] {
  return RULE_GROUPS.map(({ name, interval, rules }: RuleGroup) => ({
    name,
    ...(interval === undefined ? {} : { interval }),
    rules: rules.map(rule => ruleOf(rule, runbooks)),
  }))
}

function ruleOf(rule: Alert | RecordingRule, runbooks: string): object {
  if (!isAlert(rule)) return rule
  return {
    alert: rule.name,
    expr: rule.expr,
    ...(rule.for === undefined ? {} : { for: rule.for }),
    labels: { severity: rule.severity },
    annotations: annotationsOf(rule, runbooks),
  }
}

function yaml(value: object): string {
  return stringify(value, { lineWidth: 0 })
}
