import type { UpstreamModel } from '../core/ids.ts'
import type { Standing } from '../core/route.ts'
import type { LiveAccount, Tended } from './live-account.ts'

const ready: Standing = { kind: 'ready' }
const proving: Standing = { kind: 'proving' }
const disabled: Standing = { kind: 'disabled' }
export const unmapped: Standing = { kind: 'unmapped' }

/** How an account stands for one model: the account's own state first, then the pair's; of two rests the longer one. */
export function standing(live: LiveAccount, model: UpstreamModel, nowMs: number): Standing {
  if (!live.enabled) return disabled
  const pair = live.pairs.get(model)
  const own = ofOne(live.self, nowMs)
  if (pair === undefined || own.kind === 'retired') return own
  const its = ofOne(pair, nowMs)
  if (own.kind === 'cooling') return its.kind === 'cooling' && its.untilMs > own.untilMs ? its : own
  return its.kind === 'ready' ? own : its
}

function ofOne({ condition, prover }: Tended, nowMs: number): Standing {
  const { health } = condition
  if (health.kind === 'retired') return { kind: 'retired', why: health.why }
  if (health.kind === 'cooling' && health.untilMs > nowMs) return { kind: 'cooling', untilMs: health.untilMs, why: health.why }
  return prover === null ? ready : proving
}
