import type { KnotSimulator } from '../knot/knotSimulator.ts'
import { renewedCard, testCard, testPerson } from '../people.ts'
import type { TestCard } from '../people.ts'
import type { Vault } from '../vault/vaultServer.ts'
import type { Story, VaultChange } from './story.ts'

/** The cards of the demo, as the vault has them and has had them: what must be on file, and what must not leak. */
export class CardBook {
  readonly #vault: Vault
  readonly #versions = new Map<string, TestCard[]>()
  #lastIndex = 100

  constructor(vault: Vault) {
    this.#vault = vault
  }

  put(story: Story): void {
    for (const { ref, data = 'sound', status = 'active' } of story.cards) {
      const sound = this.#newCard()
      const card = data === 'sound' ? sound : { ...sound, number: mistyped(sound.number) }
      this.#versions.set(ref, [card])
      this.#vault.put({ cardRef: ref, userId: story.userId, user: testPerson(story.person), card, status })
    }
  }

  change(ref: string, change: VaultChange): void {
    switch (change) {
      case 'renewed':
        return this.#reissue(ref, renewedCard(this.current(ref)))
      case 'reissued':
        return this.#reissue(ref, this.#newCard())
      case 'closed':
      case 'active':
        return this.#vault.setStatus(ref, change)
      case 'reopened':
        this.#vault.setStatus(ref, 'active')
        return this.#reissue(ref, this.#newCard())
    }
  }

  current(ref: string): TestCard {
    const card = this.#versions.get(ref)?.at(-1)
    if (card === undefined) throw new RangeError(`The book has no card ${ref}.`)
    return card
  }

  /** Every version of every card. */
  all(): TestCard[] {
    return [...this.#versions.values()].flat()
  }

  #newCard(): TestCard {
    this.#lastIndex += 1
    return testCard(this.#lastIndex * 7919, this.#lastIndex % 3 === 0 ? 'mastercard' : 'visa')
  }

  #reissue(ref: string, card: TestCard): void {
    this.#vault.reissue(ref, card)
    this.#versions.get(ref)?.push(card)
  }
}

/** Links the merchants of a story at Knot, as they stand before the first event. */
export const linkMerchants = (knot: KnotSimulator, { userId, merchants }: Story): void => {
  for (const { id: merchantId, connected = true, updateCard = true, pushes = [] } of merchants) {
    knot.link({ userId, merchantId, updateCard })
    knot.script(userId, merchantId, ...pushes)
    if (!connected) knot.disconnect(userId, merchantId, { announce: false })
  }
}

/** The last digit wrong: Luhn finds it. */
const mistyped = (number: string): string => {
  const last = number.slice(-1)
  return `${number.slice(0, -1)}${(Number(last) + 1) % 10}`
}
