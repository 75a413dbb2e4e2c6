/** A merchant as Knot shows it. */
export interface Merchant {
  readonly id: number
  readonly name: string
}

/** Merchants of the sandbox. Ids and names as in Knot's own samples where those name one. */
export const merchants: readonly Merchant[] = [
  { id: 10, name: 'Uber' },
  { id: 12, name: 'Target' },
  { id: 16, name: 'Netflix' },
  { id: 19, name: 'DoorDash' },
  { id: 36, name: 'Uber Eats' },
  { id: 44, name: 'Amazon' },
  { id: 45, name: 'Walmart' },
  { id: 165, name: 'Costco' },
]

/** Any integer is a merchant here; one that is not in the list gets a plain name. */
export const merchantOf = (id: number): Merchant =>
  merchants.find(merchant => merchant.id === id) ?? { id, name: `Merchant ${id}` }

/** Where a logo would be. */
export const logoOf = (merchant: Merchant): string => `https://logos.example/${merchant.id}.png`
