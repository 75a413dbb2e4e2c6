import { subscribe } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import type { EventEmitter } from 'node:events'

/**
 * Counts listeners where they pile up: on what lives long (the signal of a role, a socket) while tasks come and go. The
 * number is that of the one target that has the most, because the many short-lived ones are gone at some collection.
 */
export class ListenerWatch {
  readonly #signals = new Set<WeakRef<EventTarget>>()
  readonly #emitters = new Set<WeakRef<EventEmitter>>()
  readonly #seen = new WeakSet<EventTarget>()

  /** Sees the signals that are listened to and the sockets that are opened from now on, in the whole process. */
  begin(): void {
    const note = (target: EventTarget) => {
      if (this.#seen.has(target)) return
      this.#seen.add(target)
      this.#signals.add(new WeakRef(target))
    }
    const add = Object.getOwnPropertyDescriptor(EventTarget.prototype, 'addEventListener')!
    const original = add.value as (this: EventTarget, ...args: unknown[]) => void
    Object.defineProperty(EventTarget.prototype, 'addEventListener', {
      ...add,
      value(this: EventTarget, ...args: unknown[]) {
        note(this)
        original.apply(this, args)
      },
    })
    subscribe('net.client.socket', message => {
      this.#emitters.add(new WeakRef((message as { readonly socket: EventEmitter }).socket))
    })
  }

  /** Listeners of the target that has the most of them. */
  most(): number {
    const ofSignals = living(this.#signals).map(target => getEventListeners(target, 'abort').length)
    const ofEmitters = [process, ...living(this.#emitters)].map(emitter =>
      emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0),
    )
    return Math.max(0, ...ofSignals, ...ofEmitters)
  }
}

function living<T extends object>(references: Set<WeakRef<T>>): T[] {
  const targets: T[] = []
  for (const reference of references) {
    const target = reference.deref()
    if (target === undefined) references.delete(reference)
    else targets.push(target)
  }
  return targets
}
