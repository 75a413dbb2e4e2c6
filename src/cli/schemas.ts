import type { SubjectState } from '../avro/subjects.ts'
import { schemaCheck, schemaRegister } from '../avro/subjects.ts'
import type { Config } from '../config/config.ts'
import { registryOf } from './connections.ts'
import { withinDeadline } from './deadline.ts'
import type { ExitCode } from './exitCodes.ts'
import { exitCodeOf, printVerdicts } from './report.ts'
import type { Terminal, Verdict } from './report.ts'

/** `onfile schemas check`: is each subject at this release's schema? Changes nothing. */
export async function schemasCheck(config: Config, terminal: Terminal, deadlineMs: number): Promise<ExitCode> {
  return withRegistry(config, terminal, deadlineMs, registry => schemaCheck(registry, config.topics))
}

/** `onfile schemas register`: brings each subject to this release's schema under FULL_TRANSITIVE. Safe to repeat. */
export async function schemasRegister(config: Config, terminal: Terminal, deadlineMs: number): Promise<ExitCode> {
  return withRegistry(config, terminal, deadlineMs, registry => schemaRegister(registry, config.topics))
}

async function withRegistry(
  config: Config,
  terminal: Terminal,
  deadlineMs: number,
  work: (registry: ReturnType<typeof registryOf>) => Promise<readonly SubjectState[]>,
): Promise<ExitCode> {
  const registry = registryOf(config)
  try {
    const states = await withinDeadline(`The schema registry at ${registry.url}`, deadlineMs, () => work(registry))
    const verdicts = states.map(subjectVerdict)
    printVerdicts(verdicts, terminal)
    return exitCodeOf(verdicts)
  } finally {
    await registry.close()
  }
}

/** What the state of a subject means for an operator. */
export function subjectVerdict({ subject, state, schemaId, incompatibilities }: SubjectState): Verdict {
  const name = `schema ${subject}`
  if (state === 'registered') return { subject: name, kind: 'right', detail: `registered, id ${schemaId ?? '?'}` }
  if (incompatibilities.length > 0) {
    const detail = `holds schemas that this release's cannot follow (${incompatibilities.join('; ')}): an operator must clear it or choose another topic name`
    return { subject: name, kind: 'wrong', detail }
  }
  const what = state === 'missing' ? 'is not registered' : 'does not hold the schema of this release'
  return { subject: name, kind: 'wrong', detail: `${what}: an operator must run onfile schemas register` }
}
