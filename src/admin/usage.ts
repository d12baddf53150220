import type { UsageBooks, UsageBy, UsageRow } from '../ports/usage-books.ts'
import { answer, fromStore, type Handles } from './answer.ts'
import type { UsageRowShape } from './contract.ts'
import { money, shownUsage } from './shown.ts'

export interface UsageDoor {
  readonly usage: UsageBooks
}

export function usageHandles(door: UsageDoor): Handles<'usage'> {
  return {
    usage: async ({ query: { by, from, to } }) => {
      const read = await fromStore(door.usage.sum({ by, fromMs: from ?? null, toMs: to ?? null }))
      return read.kind === 'problem' ? read : answer({ rows: read.value.map((row) => shownRow(by, row)) })
    },
  }
}

function shownRow(by: UsageBy, { name, turns, usage, charge, unknownTurns }: UsageRow): UsageRowShape {
  return {
    by: by === 'account' ? { account: name } : by === 'key' ? { key: name ?? '' } : by === 'model' ? { model: name ?? '' } : { day: name ?? '' },
    turns,
    usage: usage === null ? null : shownUsage(usage),
    charge_nano_usd: money(charge.nanoUsd),
    charge_estimated_nano_usd: money(charge.estimatedNanoUsd),
    charge_notional_nano_usd: money(charge.notionalNanoUsd),
    unknown_turns: unknownTurns,
  }
}
