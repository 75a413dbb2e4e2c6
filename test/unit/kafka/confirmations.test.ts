import { describe, expect, it } from 'vitest'
import { Confirmations } from '../../../src/kafka/confirmations.ts'

const settled = async (promise: Promise<unknown>): Promise<'resolved' | 'rejected' | 'pending'> => {
  const pending = new Promise<'pending'>(resolve => setImmediate(() => resolve('pending')))
  return Promise.race([promise.then(() => 'resolved' as const).catch(() => 'rejected' as const), pending])
}

describe('confirmations', () => {
  it('come only from requests that were sent after the question', async () => {
    const confirmations = new Confirmations()
    const early = confirmations.begin()
    const waiting = confirmations.next(undefined)
    early()
    expect(await settled(waiting)).toBe('pending')
    expect(confirmations.wanted).toBe(true)
    const beforeMs = performance.now()
    confirmations.begin()()
    expect(await settled(waiting)).toBe('resolved')
    expect(await waiting).toBeGreaterThanOrEqual(beforeMs)
    expect(confirmations.wanted).toBe(false)
  })

  it('have the age of the request, not of its answer', async () => {
    const confirmations = new Confirmations()
    expect(confirmations.ageMs()).toBe(Number.POSITIVE_INFINITY)
    const confirm = confirmations.begin()
    await new Promise(resolve => setTimeout(resolve, 30))
    confirm()
    expect(confirmations.ageMs()).toBeGreaterThanOrEqual(25)
  })

  it('are not made older by a late answer to an earlier request', async () => {
    const confirmations = new Confirmations()
    const first = confirmations.begin()
    await new Promise(resolve => setTimeout(resolve, 30))
    confirmations.begin()()
    first()
    expect(confirmations.ageMs()).toBeLessThan(25)
  })

  it('end with the reason of the signal, or with the error of the member', async () => {
    const confirmations = new Confirmations()
    const abort = new AbortController()
    const aborted = confirmations.next(abort.signal)
    const failed = confirmations.next(undefined)
    abort.abort(new Error('given up'))
    await expect(aborted).rejects.toThrow('given up')
    confirmations.rejectAll(new Error('stopped'))
    await expect(failed).rejects.toThrow('stopped')
    await expect(confirmations.next(abort.signal)).rejects.toThrow('given up')
    expect(confirmations.wanted).toBe(false)
  })
})
