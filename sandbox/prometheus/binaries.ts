import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const defaultCacheDir = fileURLToPath(new URL('../../.cache/prometheus', import.meta.url))

/** Paths of Prometheus' two programs. */
export interface PrometheusBinaries {
  readonly prometheus: string
  readonly promtool: string
}

/** There is no Prometheus here, and none could be had. The message says what was tried. */
export class PrometheusUnavailableError extends Error {
  override readonly name = 'PrometheusUnavailableError'
  readonly code = 'PROMETHEUS_UNAVAILABLE'

  constructor(obstacles: readonly string[]) {
    super(
      `No Prometheus on this machine: install it (prometheus and promtool on the PATH). Found: ${obstacles.join('; ')}`,
    )
  }
}

/**
 * Prometheus and promtool: from the PATH, else out of the cache below the repository (`.cache/prometheus`), else, on Debian
 * and its kin, out of the distribution's package, which is unpacked into the cache and not installed.
 *
 * @throws PrometheusUnavailableError
 */
export const findPrometheus = async (
  log: (line: string) => void = line => void process.stderr.write(`${line}\n`),
  cacheDir = defaultCacheDir,
): Promise<PrometheusBinaries> => {
  const found = onPath() ?? inDirectory(join(cacheDir, 'unpacked', 'usr', 'bin'))
  if (found !== undefined) return found
  mkdirSync(cacheDir, { recursive: true })
  const incoming = mkdtempSync(join(cacheDir, 'incoming-'))
  try {
    log('Fetching Prometheus from the package source of this machine, once (about 20 MB)')
    await downloadPackage(incoming)
    await unpack(incoming, join(cacheDir, 'unpacked'))
  } finally {
    rmSync(incoming, { recursive: true, force: true })
  }
  const unpacked = inDirectory(join(cacheDir, 'unpacked', 'usr', 'bin'))
  if (unpacked === undefined) throw new PrometheusUnavailableError(['the package has no prometheus and promtool'])
  return unpacked
}

const inDirectory = (directory: string): PrometheusBinaries | undefined => {
  const binaries = { prometheus: join(directory, 'prometheus'), promtool: join(directory, 'promtool') }
  return existsSync(binaries.prometheus) && existsSync(binaries.promtool) ? binaries : undefined
}

const onPath = (): PrometheusBinaries | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map(inDirectory)
    .find(found => found !== undefined)

/** With the lists that the machine has; where they are missing or old with fresh ones in a place of their own. */
const downloadPackage = async (directory: string): Promise<void> => {
  const plain = await download(directory, [])
  if (plain === undefined) return
  const lists = join(directory, 'lists')
  mkdirSync(join(lists, 'partial'), { recursive: true })
  const own = ['-o', `Dir::State::Lists=${lists}`, '-o', 'APT::Sandbox::User=root']
  const update = await run('apt-get', ['-qq', ...own, 'update']).then(
    () => undefined,
    (error: unknown) => firstLine(error),
  )
  const obstacle = update ?? (await download(directory, own))
  if (obstacle !== undefined) throw new PrometheusUnavailableError([plain, obstacle])
}

/** What stood in the way, undefined when the package is there. */
const download = async (directory: string, options: readonly string[]): Promise<string | undefined> => {
  try {
    await run('apt-get', ['-qq', ...options, 'download', 'prometheus'], { cwd: directory })
    return undefined
  } catch (error) {
    return firstLine(error)
  }
}

const unpack = async (incoming: string, target: string): Promise<void> => {
  const name = readdirSync(incoming).find(entry => entry.endsWith('.deb'))
  if (name === undefined) throw new PrometheusUnavailableError(['apt-get downloaded nothing'])
  const content = join(incoming, 'content')
  try {
    await run('dpkg-deb', ['-x', join(incoming, name), content])
  } catch (error) {
    throw new PrometheusUnavailableError([firstLine(error)])
  }
  try {
    renameSync(content, target)
  } catch (error) {
    // Another process was faster.
    if (!existsSync(target)) throw error
  }
}

const firstLine = (error: unknown): string => {
  const { stderr = '' } = error as { stderr?: string }
  const text = stderr.trim() === '' ? String(error) : stderr.trim()
  return text.split('\n')[0] ?? text
}
