import type { Logger } from 'pino'
import { partitionForKey } from '../../kafka/partitioner.ts'
import { idOf, UNUSABLE } from '../../processors/ingest/ids.ts'
import { PanFields } from '../../processors/ingest/panFields.ts'
import type { AdminCalls, Owner, UserAnswer } from '../../server/adminCalls.ts'
import type { LogLevelSwitch } from '../../server/logLevelSwitch.ts'
import type { RunningRole } from './roles.ts'

export interface AdminCallParts {
  /** `admin.token` as it is now. */
  readonly token: () => string | null
  /** `ingest.idPattern`. */
  readonly idPattern: string | null
  readonly log: Logger
  readonly logLevel: LogLevelSwitch
  /** The roles that run; empty until they were started. */
  readonly roles: () => readonly Pick<RunningRole, 'role' | 'pauses' | 'lookUp'>[]
  /** The group's own view of who has a partition of DECIDE's input, and how many there are. */
  readonly group: DecideGroup
}

/** What the group of DECIDE tells. */
export interface DecideGroup {
  partitionCount(): Promise<number>
  /** Null where it is not known. */
  owner(partition: number): Promise<Owner | null>
}

/** The authenticated admin calls, put together from the roles of this process. */
export function adminCallsOf({ token, idPattern, log, logLevel, roles, group }: AdminCallParts): AdminCalls {
  return {
    token,
    log,
    logLevel,
    pauses: () => new Map(roles().map(({ role, pauses }) => [role, pauses])),
    user: async text => {
      const running = roles()
      if (running.length === 0) return null
      const userId = userIdOf(text, idPattern)
      if (userId === null)
        return { kind: 'unusable', problem: 'the id of a user is 1 to 255 bytes, and no card number' }
      const decide = running.find(({ lookUp }) => lookUp !== null)
      const count = await group.partitionCount()
      const partition = partitionForKey(Buffer.from(userId, 'utf8'), count)
      const here = decide?.lookUp?.(partition, userId) ?? { kind: 'not_here' }
      return here.kind === 'not_here' ? elsewhere(partition, group) : answerOf(partition, here)
    },
  }
}

async function elsewhere(partition: number, group: DecideGroup): Promise<UserAnswer> {
  return { kind: 'elsewhere', partition, owner: await group.owner(partition) }
}

function answerOf(
  partition: number,
  found: Exclude<ReturnType<NonNullable<RunningRole['lookUp']>>, { kind: 'not_here' }>,
): UserAnswer {
  if (found.kind === 'not_ready') return { kind: 'not_ready', partition, reason: found.reason }
  const { kind, ...state } = found.value
  return kind === 'unknown' ? { kind, partition } : { kind, partition, state }
}

function userIdOf(text: string, idPattern: string | null): string | null {
  const id = idOf(text)
  return id === null || id === UNUSABLE || new PanFields(idPattern).inId(id) ? null : id
}
