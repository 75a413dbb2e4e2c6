import { accessRights, planningRights } from './accessRights.ts'
import type { AccessRight } from './accessRights.ts'
import { resolveDefaults } from './config.ts'
import type { Config } from './config.ts'
import { defaultSettings } from './defaults.ts'
import type { Role } from './schema.ts'

const INTRODUCTION = `# Kafka rights

Generated from \`src/config/accessRights.ts\` by \`npm run docs\`; a test fails when it is stale. With the default names; yours follow
\`application.id\` and \`topics.*\`. Tried out against Kafka's own authorizer (\`test/broker/deploy/accessRights.test.ts\`): the two workloads
do their work with exactly these rights, \`onfile check\` passes with those of each role and names each one that is taken away, \`topics plan\` and
\`apply\` pass with those of the bootstrap Job. A running DECIDE names each of its rights that is taken away (\`/readyz\`, or exit code 78). The rights of people (operators, readers) are not tried out there.

\`onfile check\` needs no right besides those of its roles, and acts on nothing: it asks the brokers what its principal may do. Of a transactional
id they only tell whether it may be seen (DESCRIBE), and of settings nothing without DESCRIBE_CONFIGS: then it says that it did not look. Give a
workload DESCRIBE_CONFIGS on its changelog, and a start refuses one that is not purely compacted (exit code 78) instead of trusting it.

READ and WRITE include DESCRIBE. Nobody needs ALTER or DELETE, and rights on the cluster only who uses \`topics apply\` with CREATE there. Readers of
\`card-outcomes\` and the other public topics need READ on them and on their own group, and must read committed.
`

const WORKLOADS: readonly (readonly [title: string, roles: readonly Role[]])[] = [
  ['Processor: roles ingest and decide', ['ingest', 'decide']],
  ['Provisioner: role provision', ['provision']],
  ['Provisioner with the task flow: roles provision and switcher', ['provision', 'switcher']],
  ['Role ingest alone', ['ingest']],
  ['Role decide alone', ['decide']],
  ['Role switcher alone', ['switcher']],
]

/** The page `docs/access.md`. */
export function accessReference(): string {
  const config = resolveDefaults(defaultSettings())
  const workloads = WORKLOADS.map(([title, roles]) => section(title, accessRights(config, roles)))
  return [INTRODUCTION, ...workloads, ...oneShots(config)].join('\n')
}

function oneShots(config: Config): string[] {
  const { control, userEvents } = config.topics
  return [
    section('`onfile topics plan`: the bootstrap Job', planningRights(config, 'plan')),
    section('`onfile topics apply`: the same, and', creations(config)),
    `## Operators\n\n\`onfile pause\` and \`resume\` write \`${control}\`; orders write \`${userEvents}\`. Give these rights to people, not to workloads.\n`,
  ]
}

function creations(config: Config): AccessRight[] {
  return planningRights(config, 'apply')
    .filter(({ operations }) => operations.includes('CREATE'))
    .map(right => ({ ...right, operations: ['CREATE'] }))
}

function section(title: string, rights: readonly AccessRight[]): string {
  const rows = rights.map(
    ({ resource, name, pattern, operations }) =>
      `| ${resource} | \`${name}\`${pattern === 'prefixed' ? ' and what begins with it' : ''} | ${operations.join(', ')} |`,
  )
  return `## ${title}\n\n| resource | name | operations |\n|---|---|---|\n${rows.join('\n')}\n`
}
