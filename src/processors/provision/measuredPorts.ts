import type { KnotPort, VaultPort } from './ports.ts'

/** Told of each call to another system when it has ended; `answer` is the kind of what came. */
export type CallReport = (system: 'knot' | 'vault', operation: string, answer: string, durationMs: number) => void

/** The same Knot, with each call reported. A push that was vetoed was no call. */
export function measuredKnot(knot: KnotPort, report: CallReport): KnotPort {
  return {
    accounts: userId => measured('knot', 'accounts', knot.accounts(userId), report),
    key: refused => measured('knot', 'key', knot.key(refused), report),
    seal: (card, key) => knot.seal(card, key),
    push: (target, card, lastCheck) => measured('knot', 'push', knot.push(target, card, lastCheck), report),
    credentialsAccepted: () => knot.credentialsAccepted(),
  }
}

/** The same vault, with each call reported. */
export function measuredVault(vault: VaultPort, report: CallReport): VaultPort {
  return {
    card: cardRef => measured('vault', 'card', vault.card(cardRef), report),
    status: cardRef => measured('vault', 'status', vault.status(cardRef), report),
  }
}

async function measured<Answer extends { readonly kind: string }>(
  system: 'knot' | 'vault',
  operation: string,
  call: Promise<Answer>,
  report: CallReport,
): Promise<Answer> {
  const startedMs = performance.now()
  const answer = await call
  if (answer.kind !== 'vetoed') report(system, operation, answer.kind, performance.now() - startedMs)
  return answer
}
