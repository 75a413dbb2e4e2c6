import { EventEmitter } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { ListenerWatch } from '../../support/chain/listenerWatch.ts'

it('says how many listeners pile up on one signal or one socket, and that they are gone', async () => {
  const watch = new ListenerWatch()
  watch.begin()
  const before = watch.most()
  const { signal } = new AbortController()
  const listeners = Array.from({ length: before + 50 }, () => () => undefined)
  for (const listener of listeners) signal.addEventListener('abort', listener)
  expect(watch.most()).toBe(before + 50)
  for (const listener of listeners) signal.removeEventListener('abort', listener)
  expect(watch.most()).toBe(before)

  const server = createServer().listen(0, '127.0.0.1')
  await EventEmitter.once(server, 'listening')
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  await EventEmitter.once(socket, 'connect')
  socket.setMaxListeners(0)
  for (const listener of listeners) socket.on('drain', listener)
  expect(watch.most()).toBeGreaterThanOrEqual(before + 50)
  socket.removeAllListeners('drain')
  expect(watch.most()).toBeLessThan(before + 50)
  socket.destroy()
  server.close()
})
