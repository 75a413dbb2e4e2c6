import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, ToolUnavailableError } from './cache.ts'
import { run } from './run.ts'

/** The first build of Helm alone may take minutes. */
const BUILD_TIMEOUT_MS = 900_000

/** Programs that only Go's module proxy has; built once into the cache. */
const MODULES = {
  helm3: { module: 'helm.sh/helm/v3@v3.22.0', main: './cmd/helm' },
  kubeconform: { module: 'github.com/yannh/kubeconform@v0.8.0', main: './cmd/kubeconform' },
  composeGo: { module: 'github.com/compose-spec/compose-go/v2@v2.16.2', main: './cmd' },
  unittest: { module: 'github.com/helm-unittest/helm-unittest@v1.1.2', main: './cmd/helm-unittest' },
} as const

/** Path of a program. @throws ToolUnavailableError without Go, or where its proxy does not answer */
export async function goTool(name: keyof typeof MODULES): Promise<string> {
  const { module, main } = MODULES[name]
  return cached(`${name}-${module.split('@')[1]}`, async target => {
    // Built inside of a copy of the module: `go install` refuses modules with replace directives.
    const directory = mkdtempSync(join(tmpdir(), 'onfile-go-'))
    try {
      cpSync(await moduleDirectory(module), directory, { recursive: true })
      await run('chmod', ['-R', 'u+w', directory])
      const built = await run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', target, main], {
        cwd: directory,
        env: { CGO_ENABLED: '0', GOFLAGS: '-mod=mod' },
        timeoutMs: BUILD_TIMEOUT_MS,
      })
      if (built.exitCode === null)
        throw new ToolUnavailableError(`go did not build ${module} in ${BUILD_TIMEOUT_MS} ms`)
      if (built.exitCode !== 0) throw new ToolUnavailableError(`go cannot build ${module}: ${lastLine(built.stderr)}`)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

/** Where Go keeps the files of a module, fetched if need be. @throws ToolUnavailableError */
export async function moduleDirectory(module: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run('go', ['mod', 'download', '-json', module], {
    env: { GOFLAGS: '-mod=mod' },
    cwd: tmpdir(),
    timeoutMs: BUILD_TIMEOUT_MS,
  })
  if (exitCode === null && stderr.includes('ENOENT')) throw new ToolUnavailableError('Go is not installed')
  if (exitCode !== 0) throw new ToolUnavailableError(`go cannot fetch ${module}: ${lastLine(stderr)}`)
  return (JSON.parse(stdout) as { Dir: string }).Dir
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
