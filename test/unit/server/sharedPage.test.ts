import { describe, expect, test } from 'vitest'
import { SharedPage } from '../../../src/server/sharedPage.ts'

/** Pages that end when the test says so. */
function pages() {
  const ends: ((error?: Error) => void)[] = []
  const shared = new SharedPage(
    () =>
      new Promise((resolve, reject) => {
        const body = `page ${ends.length}`
        ends.push(error => (error === undefined ? resolve({ contentType: 'text/plain', body }) : reject(error)))
      }),
  )
  const get = async (): Promise<string> => (await shared.get()).body.toString()
  return { get, ends }
}

describe('a page for many', () => {
  test('who comes while one is made gets the next one, all the same', async () => {
    const { get, ends } = pages()
    const first = get()
    const later = [get(), get(), get()]
    ends[0]!()
    expect(await first).toBe('page 0')
    await Promise.resolve()
    expect(ends).toHaveLength(2)
    const last = get()
    ends[1]!()
    expect(await Promise.all(later)).toEqual(['page 1', 'page 1', 'page 1'])
    await new Promise(resolve => setImmediate(resolve))
    ends[2]!()
    expect(await last).toBe('page 2')
  })

  test('each question after an answer gets a new page', async () => {
    const { get, ends } = pages()
    for (const index of [0, 1, 2]) {
      const answer = get()
      ends[index]!()
      expect(await answer).toBe(`page ${index}`)
    }
  })

  test('a page that fails fails who asked for it, and nobody after', async () => {
    const { get, ends } = pages()
    const first = get()
    const second = get()
    ends[0]!(new Error('broken'))
    await expect(first).rejects.toThrow('broken')
    await new Promise(resolve => setImmediate(resolve))
    ends[1]!()
    expect(await second).toBe('page 1')
  })
})
