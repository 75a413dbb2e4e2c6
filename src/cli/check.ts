import { RegistryUnavailableError } from '../avro/errors.ts'
import { schemaCheck } from '../avro/subjects.ts'
import type { Config } from '../config/config.ts'
import { CARD_ROLES } from '../config/schema.ts'
import { checkKafka } from './checkKafka.ts'
import { directoryOf, knotOf, registryOf, vaultOf } from './connections.ts'
import { withinDeadline } from './deadline.ts'
import type { ExitCode } from './exitCodes.ts'
import { EXIT } from './exitCodes.ts'
import { exitCodeOfError } from './failure.ts'
import { exitCodeOf, printVerdicts } from './report.ts'
import type { Terminal, Verdict } from './report.ts'
import { subjectVerdict } from './schemas.ts'
import { StateLock } from './stateLock.ts'
import type { ConnectTopicAdmin } from './topics.ts'

/** A card that no vault has: the question is only whether it answers. */
const PROBE_CARD = 'onfile-check-probe'

interface Check {
  readonly subject: string
  readonly run: (signal: AbortSignal) => Promise<readonly Verdict[]>
  /** Who must act where it gives no answer. */
  readonly advice?: string
}

/**
 * `onfile check`: everything that the roles of this process need, one line each. Reads only; asks the vault for the
 * status of a card that does not exist, never for a card.
 */
export async function check(
  config: Config,
  terminal: Terminal,
  deadlineMs: number,
  connect: ConnectTopicAdmin,
): Promise<ExitCode> {
  const verdicts = await Promise.all(checksOf(config, connect).map(one => runCheck(one, deadlineMs)))
  printVerdicts(verdicts.flat(), terminal)
  return exitCodeOf(verdicts.flat())
}

function checksOf(config: Config, connect: ConnectTopicAdmin): Check[] {
  const holdsCards = CARD_ROLES.some(role => config.roles.includes(role))
  const looksUp = config.roles.includes('ingest') && config.ingest.userFrom.includes('directory')
  return [
    { subject: 'kafka', run: signal => checkKafka(config, signal, connect) },
    { subject: 'registry', run: () => checkRegistry(config) },
    ...(looksUp ? [{ subject: 'directory', run: (signal: AbortSignal) => checkDirectory(config, signal) }] : []),
    ...(holdsCards
      ? [
          { subject: 'vault', run: () => checkVault(config) },
          { subject: 'knot', run: () => checkKnot(config) },
        ]
      : []),
    {
      subject: 'state directory',
      run: () => checkState(config),
      advice: `the volume of ${config.state.dir} hangs: its owner must look at it (state.dir)`,
    },
  ]
}

async function runCheck({ subject, run, advice }: Check, deadlineMs: number): Promise<readonly Verdict[]> {
  try {
    return await withinDeadline(subject, deadlineMs, run, advice)
  } catch (error) {
    const kind = exitCodeOfError(error) === EXIT.wrong ? 'wrong' : 'unreachable'
    return [{ subject, kind, detail: error instanceof Error ? error.message : String(error) }]
  }
}

async function checkRegistry(config: Config): Promise<Verdict[]> {
  const registry = registryOf(config)
  const subject = 'registry'
  try {
    const states = await schemaCheck(registry, config.topics)
    return [{ subject, kind: 'right', detail: `${registry.url} answers` }, ...states.map(subjectVerdict)]
  } catch (error) {
    if (!(error instanceof RegistryUnavailableError)) throw error
    return [{ subject, kind: 'unreachable', detail: error.message }]
  } finally {
    await registry.close()
  }
}

async function checkDirectory(config: Config, signal: AbortSignal): Promise<Verdict[]> {
  const directory = directoryOf(config)
  try {
    await directory.resolve([PROBE_CARD], signal)
    return [{ subject: 'directory', kind: 'right', detail: `${config.directory.url ?? ''} answers` }]
  } finally {
    await directory.close()
  }
}

async function checkVault(config: Config): Promise<Verdict[]> {
  const vault = vaultOf(config)
  const subject = 'vault'
  const url = config.vault.url ?? ''
  try {
    const answer = await vault.status(PROBE_CARD)
    switch (answer.kind) {
      case 'unknown':
      case 'status':
        return [{ subject, kind: 'right', detail: `${url} answers` }]
      case 'unauthorized':
        return [{ subject, kind: 'wrong', detail: `${url} refuses the credentials: check vault.token with its owner` }]
      case 'unavailable':
        return [{ subject, kind: 'unreachable', detail: `${url} gave no answer (${answer.trouble}): check vault.url` }]
    }
  } finally {
    await vault.close()
  }
}

async function checkKnot(config: Config): Promise<Verdict[]> {
  const knot = knotOf(config)
  const subject = 'knot'
  const url = config.knot.url ?? ''
  try {
    const { kind } = await knot.jwk()
    switch (kind) {
      case 'jwk':
        return [{ subject, kind: 'right', detail: `${url} answers and accepts the credentials` }]
      case 'unauthorized':
        return [
          { subject, kind: 'wrong', detail: `${url} refuses the credentials: check knot.clientId and knot.secret` },
        ]
      case 'forbidden':
        return [{ subject, kind: 'wrong', detail: `${url} denies access to card keys: Knot must grant it` }]
      case 'unavailable':
        return [{ subject, kind: 'unreachable', detail: `${url} gave no answer: check knot.url and the way there` }]
    }
  } finally {
    await knot.close()
  }
}

async function checkState(config: Config): Promise<Verdict[]> {
  const lock = await StateLock.acquire(config.state.dir)
  await lock.release()
  return [{ subject: 'state directory', kind: 'right', detail: `${config.state.dir} is writable and free` }]
}
