import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

const git = (...words: string[]): string => execFileSync('git', words, { cwd: root, encoding: 'utf8' }).trim()

/** A release as it would be installed: the files of one commit, with the packages of this checkout. */
export interface Release {
  /** Short commit. */
  readonly name: string
  /** The command line that starts it. */
  readonly onfile: readonly [command: string, ...words: string[]]
  remove(): void
}

/** @param revision anything that git can resolve */
export function checkOut(revision: string): Release {
  const commit = git('rev-parse', '--verify', `${revision}^{commit}`)
  const directory = mkdtempSync(join(tmpdir(), 'onfile-release-'))
  const files = execFileSync('git', ['archive', commit, 'src', 'schemas', 'package.json'], {
    cwd: root,
    maxBuffer: 256 << 20,
  })
  execFileSync('tar', ['-x', '-C', directory], { input: files })
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  return {
    name: commit.slice(0, 7),
    onfile: [process.execPath, join(directory, 'src/cli/main.ts')],
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** The commit that raised the version of PROVISION's state last. */
export function lastStateChange(): string {
  return git('log', '-1', '--format=%H', '-S', 'ENTRY_VERSION + 1', '--', 'src/processors/provision/openCommand.ts')
}
