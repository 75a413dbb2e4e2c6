/**
 * The local store alone: `node bench/store.ts [--keys 200000] [--rounds 5]`. Every key is written `--rounds` times in
 * random order, 1,000 entries of about 230 bytes per write, then read, then the store is opened again; last, four copies of
 * it as a crash leaves them are opened at once, each of which must be walked through. CPU is of the whole process, user and
 * system.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalStore } from '../src/store/localStore.ts'

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '200000' }, rounds: { type: 'string', default: '5' } },
})
const keyCount = Number(values.keys)
const rounds = Number(values.rounds)
const PER_WRITE = 1_000
const COPIES = 4
const value = Buffer.alloc(230, 'v')
const keys = Array.from({ length: keyCount }, (_, i) => `users/user-${String(i).padStart(9, '0')}`)
const directory = mkdtempSync(join(tmpdir(), 'onfile-bench-store-'))

async function measured(what: string, count: number, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  const ms = performance.now() - startedMs
  const rss = Math.round(process.memoryUsage.rss() / 1e6)
  console.log(
    `${what.padEnd(22)} ${count} entries  ${ms.toFixed(0)} ms  ${((user + system) / count).toFixed(2)} us CPU each  RSS ${rss} MB`,
  )
}

try {
  let { store } = await LocalStore.open(directory)
  await measured('write', keyCount * rounds, async () => {
    // A fixed walk through all keys that looks random: the step has no factor in common with the count.
    let at = 0
    for (let written = 0; written < keyCount * rounds; written += PER_WRITE) {
      await store.writeAhead(write => {
        for (let i = 0; i < PER_WRITE; i++) {
          at = (at + 7_919) % keyCount
          write.put(keys[at]!, value, 0, 200 + (at % 30))
        }
      })
    }
    await store.write(() => undefined, { changelogPosition: 1, stateVersion: 1, writtenAtMs: 0 })
  })
  console.log(`on disk ${Math.round(store.sizeBytes / 1e6)} MB`)
  await measured('read, one page each', keyCount, async () => {
    for (const key of keys) if (store.get(key) === undefined) throw new Error(`${key} is missing`)
    await Promise.resolve()
  })
  await store.close()
  await measured('open', keyCount, async () => {
    ;({ store } = await LocalStore.open(directory))
  })
  await store.close()
  const copies = Array.from({ length: COPIES }, (_, i) => join(directory, `copy-${i}`))
  const files = readdirSync(directory)
  for (const copy of copies) {
    mkdirSync(copy)
    for (const file of files) if (file !== 'index.snapshot') copyFileSync(join(directory, file), join(copy, file))
  }
  const startedMs = performance.now()
  await Promise.all(
    copies.map(async copy => {
      const opened = await LocalStore.open(copy)
      console.log(
        `open after a crash, ${keyCount} entries  ready after ${(performance.now() - startedMs).toFixed(0)} ms`,
      )
      await opened.store.close()
    }),
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
