import { CardData } from '../../../src/vault/cardData.ts'
import type { CardHolder, CardNumbers } from '../../../src/vault/cardData.ts'

/** Well-known test numbers and Knot's own sample holder; `08/2030` because the documented sample has expired. */
export const CANARY_PAN = '4242424242424242'
export const CANARY_CVV = '917'

export const HOLDER: CardHolder = {
  name: { first_name: 'Ada', last_name: 'Lovelace' },
  address: {
    street: '100 Main Street',
    street2: '#100',
    city: 'NEW YORK',
    region: 'NY',
    postal_code: '12345',
    country: 'US',
  },
  phone_number: '+11234567890',
}

export const NUMBERS: CardNumbers = { number: CANARY_PAN, expiration: '08/2030', cvv: CANARY_CVV }

export interface CardChange {
  readonly name?: Partial<CardHolder['name']>
  readonly address?: Partial<CardHolder['address']>
  readonly phone_number?: string
  readonly card?: Partial<CardNumbers>
}

export function cardWith(change: CardChange = {}): CardData {
  return new CardData({
    user: {
      name: { ...HOLDER.name, ...change.name },
      address: { ...HOLDER.address, ...change.address },
      phone_number: change.phone_number ?? HOLDER.phone_number,
    },
    card: { ...NUMBERS, ...change.card },
  })
}
