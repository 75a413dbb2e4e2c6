import tseslint from 'typescript-eslint'
import importX from 'eslint-plugin-import-x'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'

// Imports point one way: cli -> processors -> domain, processors -> engine -> kafka. Adapters stand behind interfaces
// that the calling side owns. Each zone: files in `target` must not import from `from`.
const zone = (target, from, except) => ({
  target: `./src/${target}`,
  from: from.map(name => `./src/${name}`),
  ...(except ? { except } : {}),
})
const zones = [
  zone('domain', [
    'cli',
    'config',
    'processors',
    'engine',
    'kafka',
    'store',
    'avro',
    'knot',
    'vault',
    'telemetry',
    'server',
  ]),
  zone('kafka', ['cli', 'config', 'processors', 'engine', 'store', 'avro', 'knot', 'vault', 'server', 'domain']),
  zone('store', ['cli', 'config', 'processors', 'engine', 'avro', 'knot', 'vault', 'server', 'domain', 'kafka']),
  zone('engine', ['cli', 'config', 'processors', 'avro', 'knot', 'vault', 'server', 'domain']),
  zone('avro', ['cli', 'config', 'processors', 'engine', 'store', 'kafka', 'knot', 'vault', 'server']),
  zone('knot', ['cli', 'config', 'processors', 'engine', 'store', 'kafka', 'avro', 'server']),
  zone('vault', ['cli', 'config', 'processors', 'engine', 'store', 'kafka', 'avro', 'knot', 'server']),
  zone('telemetry', [
    'cli',
    'config',
    'processors',
    'engine',
    'store',
    'kafka',
    'avro',
    'knot',
    'vault',
    'server',
    'domain',
  ]),
  zone('processors', ['cli', 'server']),
  zone('server', ['cli', 'processors', 'knot', 'vault', 'avro']),
]
const kafkajs = { name: 'kafkajs', message: 'Only src/kafka/connection.ts speaks to kafkajs.' }

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.cache', 'state'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { project: ['./tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      'no-restricted-imports': ['error', { paths: [kafkajs], patterns: ['kafkajs/*'] }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/kafka/connection.ts', 'test/**', 'bench/**', 'sandbox/**'],
    rules: { 'no-restricted-imports': 'off' },
  },
  { files: ['src/cli/**', 'sandbox/**', 'bench/**', 'scripts/**'], rules: { 'no-console': 'off' } },
  { files: ['*.config.*'], rules: { 'import-x/no-default-export': 'off' } },
  { files: ['eslint.config.js'], extends: [tseslint.configs.disableTypeChecked] },
)
