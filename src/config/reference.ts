import { acceptsFile, CONFIG_KEYS } from './keys.ts'
import type { ConfigKey } from './keys.ts'
import { DEFAULT_CONFIG_FILE } from './load.ts'

const INTRODUCTION = `# Configuration

Generated from \`src/config/schema.ts\` by \`npm run docs\`; a test fails when it is stale.

Where a setting comes from, the later winning key by key:

1. the defaults below;
2. a YAML file: \`--config <file>\`, else \`ONFILE_CONFIG\`, else \`${DEFAULT_CONFIG_FILE}\` in the working directory if there is one.
   A dot in a key is a level of nesting;
3. the environment. The name follows the key: dots become \`_\`, camelCase becomes snake case, all in upper case. Lists are
   comma separated. An empty variable counts as not set;
4. flags: \`--set <key>=<value>\`, and the short forms of \`onfile --help\`.

Durations carry their unit: \`250ms\`, \`30s\`, \`10m\`, \`24h\`, \`7d\`. Unknown keys and unknown \`ONFILE_*\` variables are errors
(except \`ONFILE_CONFIG\` and \`ONFILE_BED_*\`, which configures the test bed). All problems come in one message, and onfile
ends with exit code 78. \`onfile config print\` shows the outcome without its secrets.

A key marked *file* can be given as a file instead: append \`File\` to the key (\`knot.secretFile\`) or \`_FILE\` to the
variable (\`ONFILE_KNOT_SECRET_FILE\`). One line break at the end is dropped. Setting both in one place is an error. Keys marked
*secret* are not accepted on the command line and never printed.
`

/** The page `docs/configuration.md`. */
export function configurationReference(): string {
  const groups = Map.groupBy(CONFIG_KEYS, ({ path }) => path.split('.')[0]!)
  const tables = [...groups].map(([group, keys]) => `## ${group}\n\n${table(keys)}\n`)
  return [INTRODUCTION, ...tables].join('\n')
}

function table(keys: readonly ConfigKey[]): string {
  const rows = keys.map(key => {
    const cells = [
      `\`${key.path}\`<br>\`${key.environmentName}\``,
      form(key),
      defaultOf(key),
      key.description.description,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return ['| key, variable | value | default | |', '|---|---|---|---|', ...rows].join('\n')
}

function form(key: ConfigKey): string {
  const marks = [key.description.secret === true ? 'secret' : null, acceptsFile(key) ? 'file' : null]
  const marked = marks.filter(mark => mark !== null).map(mark => `*${mark}*`)
  return [key.description.form, ...marked].join(', ')
}

function defaultOf(key: ConfigKey): string {
  const { defaultText, show } = key.description
  if (defaultText !== undefined) return defaultText
  const value = key.schema.parse(undefined)
  if (value === null) return 'not set'
  const shown = show?.(value) ?? value
  if (Array.isArray(shown)) return shown.length === 0 ? 'none' : `\`${shown.join(',')}\``
  return typeof shown === 'object' ? 'none' : `\`${shown as string | number | boolean}\``
}
