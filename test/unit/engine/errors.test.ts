import { describe, expect, it } from 'vitest'
import { TaskError, toTaskError } from '../../../src/engine/errors.ts'

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

describe('what ends a task', () => {
  it('says whose volume it is where the local store cannot be opened or refilled', () => {
    const error = toTaskError('cards', 3, failure('ENOSPC', 'ENOSPC: no space left on device, write'))
    expect(error).toMatchObject({ code: 'STORE_UNWRITABLE', retry: 'reopen' })
    expect(error.message).toMatch(/^cards-3: the volume of state\.dir fails \(ENOSPC: no space .*The operator must/)
  })

  it('keeps the code of any other failure, and a task error as it is', () => {
    expect(toTaskError('cards', 3, failure('KAFKA_FENCED', 'x')).code).toBe('KAFKA_FENCED')
    expect(toTaskError('cards', 3, new Error('x')).code).toBe('TASK_FAILED')
    const known = new TaskError('RESTORE_STUCK', 'x', { retry: 'reopen', cause: failure('EIO', 'x') })
    expect(toTaskError('cards', 3, known)).toBe(known)
  })
})
