import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { IMAGE_FLAGS } from '../../../bench/race/contenders.ts'
import { IMAGE_ENVIRONMENT } from '../../soak/membershipCommand.ts'
import { dockerfileWords, lockedNodeVersion, productionPackages } from '../../support/imageFiles.ts'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const dockerfile = read('Dockerfile')
const manifest = JSON.parse(read('package.json')) as { version: string; allowScripts: Record<string, boolean> }

describe('the image', () => {
  test('runs the Node that the tests run on', () => {
    expect(dockerfile).toContain(`ARG NODE_IMAGE=node:${lockedNodeVersion()}-bookworm-slim\n`)
    expect(process.version).toBe(`v${lockedNodeVersion()}`)
  })

  test('has the version of this release', () => {
    expect(dockerfile).toContain(`ARG VERSION=${manifest.version}\n`)
  })

  test('runs as a numeric user without privileges', () => {
    const users = dockerfile.match(/^USER .*$/gm)
    expect(users).toEqual(['USER 10001:10001'])
  })

  test('starts node with neither inspector nor core dumps', () => {
    const words = dockerfileWords('ENTRYPOINT')
    expect(words.slice(0, 3)).toEqual(['/usr/bin/prlimit', '--core=0', '/usr/local/bin/node'])
    expect(words).toContain('--disable-sigusr1')
    expect(words.filter(word => word.startsWith('--inspect'))).toEqual([])
    expect(dockerfileWords('CMD')).toEqual(['run'])
  })

  test('bounds memory as the race and the soak of the membership, which say that they run like it', () => {
    const words = dockerfileWords('ENTRYPOINT')
    const { NODE_OPTIONS, ...environment } = IMAGE_ENVIRONMENT
    expect(words).toEqual(expect.arrayContaining([...IMAGE_FLAGS]))
    expect(words).toEqual(expect.arrayContaining(NODE_OPTIONS.split(' ').filter(option => option !== '--expose-gc')))
    for (const [name, value] of Object.entries(environment)) expect(dockerfile).toMatch(` ${name}=${value}`)
  })

  test('needs no install script of a package', () => {
    const scripted = productionPackages().filter(({ hasInstallScript }) => hasInstallScript)
    for (const { path } of scripted) {
      expect(manifest.allowScripts, path).toMatchObject({ [path.replace(/^.*node_modules\//, '')]: false })
    }
  })

  test('copies only what .dockerignore lets through', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) => names!.split(' '))
    const letThrough = read('.dockerignore').match(/(?<=^!).+$/gm) ?? []
    expect(read('.dockerignore').split('\n')).toContain('*')
    expect(letThrough.toSorted()).toEqual([...new Set(copied)].toSorted())
  })
})
