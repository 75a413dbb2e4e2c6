import { isAlert } from './alert.ts'
import type { Alert, RuleGroup } from './alert.ts'
import { freshness } from './freshness.ts'
import { input } from './input.ts'
import { knot } from './knot.ts'
import { state } from './state.ts'
import { surroundings } from './surroundings.ts'
import { tasks } from './tasks.ts'

/** Every rule there is: the one source of the rules file, the PrometheusRule and the tests. */
export const RULE_GROUPS: readonly RuleGroup[] = [tasks, freshness, state, input, knot, surroundings]

export const ALERTS: readonly Alert[] = RULE_GROUPS.flatMap(group => group.rules.filter(isAlert))
