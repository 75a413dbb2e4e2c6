import { stringify } from 'yaml'
import { describe, expect, inject, test } from 'vitest'
import { chartDirectory, ciFile } from './chart.ts'
import { run } from './tools/run.ts'

const helm = inject('helm')

/** What Helm tells whoever installs the chart. No cluster is asked. */
async function notes(scenario: string, values: object = {}): Promise<string> {
  const words = ['install', 'r', chartDirectory, '-n', 'pay', '--dry-run=client', '-f', ciFile(scenario), '-f', '-']
  const { exitCode, stdout, stderr } = await run(helm, words, {
    input: stringify(values),
    env: { KUBECONFIG: '/dev/null' },
  })
  if (exitCode !== 0) throw new Error(stderr)
  return stdout.slice(stdout.indexOf('\nNOTES:'))
}

describe.runIf(helm !== '')('whoever installs the chart is told', () => {
  test('that pods without cards could reach the vault, as long as no address is given', async () => {
    expect(await notes('minimal')).toContain('networkPolicy.registry.to and networkPolicy.directory.to name no address')
    expect(await notes('minimal', { networkPolicy: { registry: { to: [{ podSelector: {} }] } } })).toContain(
      'WARNING: networkPolicy.directory.to names no address',
    )
    expect(await notes('minimal', { networkPolicy: { enabled: false } })).toContain('networkPolicy.enabled is false')
  })

  test('that the first start needs to know where to begin', async () => {
    const unset = await notes('minimal', { config: { ingest: { startAt: null } } })
    expect(unset).toContain('WARNING: config.ingest.startAt is not set')
    const byVariable = { processor: { extraEnv: [{ name: 'ONFILE_INGEST_START_AT', value: 'latest' }] } }
    expect(await notes('minimal', { ...byVariable, config: { ingest: { startAt: null } } })).not.toContain('startAt')
  })

  test('nothing alarming when all is set', async () => {
    expect(await notes('sasl-ssl')).not.toContain('WARNING')
  })

  test('what becomes of the volumes', async () => {
    const kept = { provisioner: { persistence: { retention: { whenDeleted: 'Retain' } } } }
    expect(await notes('minimal', kept)).toContain('provisioner: Delete on scaling down, Retain on uninstalling')
  })
})
