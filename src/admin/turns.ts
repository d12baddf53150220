import type { TurnId } from '../core/ids.ts'
import type { Turns } from '../ports/stores.ts'
import { answer, fromStore, problem, type Handles } from './answer.ts'
import { shownTurn } from './shown.ts'

export interface TurnsDoor {
  readonly turns: Turns
}

export function turnHandles(door: TurnsDoor): Handles<'turns' | 'turn'> {
  return {
    turns: async ({ query }) => {
      const { limit, before, key, account, status, outcome } = query
      const read = await fromStore(
        door.turns.list({
          limit,
          before: (before ?? null) as TurnId | null,
          key: key ?? null,
          account: account ?? null,
          status: status ?? null,
          outcome: outcome ?? null,
        }),
      )
      if (read.kind === 'problem') return read
      const rows = read.value
      return answer({ turns: rows.map(shownTurn), next: rows.length < limit ? null : (rows.at(-1)?.id ?? null) })
    },
    turn: async ({ params }) => {
      const id = params['id'] ?? ''
      const read = await fromStore(door.turns.find(id as TurnId))
      if (read.kind === 'problem') return read
      return read.value === null
        ? problem('unknown_turn', `There is no turn '${id.slice(0, 64)}', or it is too old to be kept.`, 'id')
        : answer(shownTurn(read.value))
    },
  }
}
