import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'

/** A part of docs/soak.md that one command writes. */
export type SoakSection = 'faults' | 'conversion' | 'membership'

const SECTIONS: readonly SoakSection[] = ['faults', 'conversion', 'membership']
const page = fileURLToPath(new URL('../../docs/soak.md', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))

const begin = (section: SoakSection): string =>
  `<!-- ${section}: written by \`npm run soak -- ${section} --write\`. Do not edit. -->`
const end = (section: SoakSection): string => `<!-- end of ${section} -->`

/** The page with that section in place of the one before; the others stay as they are. */
export function withSection(document: string, section: SoakSection, text: string): string {
  const parts = SECTIONS.flatMap(name => {
    const part = name === section ? text.trim() : partOf(document, name)
    return part === null ? [] : [[begin(name), part, end(name)].join('\n\n')]
  })
  return `${['# Soak', ...parts].join('\n\n')}\n`
}

/** Writes the section into docs/soak.md. */
export function writeSection(section: SoakSection, text: string): void {
  writeFileSync(page, withSection(readFileSync(page, 'utf8'), section, text))
}

/** Date, commit and versions of a run, for its section. */
export function runOrigin(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  const date = new Date().toISOString().slice(0, 10)
  return `${date}, commit ${commit}, Node ${process.versions.node}, Kafka ${KAFKA_VERSION}`
}

function partOf(document: string, section: SoakSection): string | null {
  const from = document.indexOf(begin(section))
  const to = document.indexOf(end(section))
  return from < 0 || to < from ? null : document.slice(from + begin(section).length, to).trim()
}
