import type { AccountId, KeyId } from '../../src/core/ids.ts'
import type { Landscape, Seat } from './landscape.ts'
import type { Story, UpstreamCall } from './story.ts'

/** What is so, whatever the gateway believes: who made which answer, who sealed what, who said when it is back. */
export class Truth {
  /** Ids of answers and of their items, and conversations. */
  readonly issued = new Map<string, { readonly account: AccountId; readonly key: KeyId; readonly turn: number }>()
  /** Sealed reasoning that has passed through the process that runs now. */
  readonly seals = new Map<string, AccountId>()
  /** Until when an account said that it rests. `of`: its credential, its place and its incarnation; with another, nothing is known. */
  readonly rests = new Map<AccountId, { readonly sinceMs: number; readonly untilMs: number; readonly of: string }>()
  /** Requests that an upstream is busy with, by account and incarnation. */
  readonly busy = new Map<string, Set<UpstreamCall>>()
  /** Every configuration that was in force, by its version. */
  readonly landscapes: Landscape[] = []

  get landscape(): Landscape {
    const now = this.landscapes.at(-1)
    if (now === undefined) throw new Error('the operator has configured nothing yet')
    return now
  }

  /** Which process runs: the first, the second, ... */
  life = 1

  issue(story: Story, sent: UpstreamCall): void {
    for (const id of sent.ids) this.issued.set(id, { account: sent.account, key: story.ask.caller.key, turn: story.number })
  }

  restIdentity({ account, incarnation }: Seat): string {
    return `${account.generation} ${account.baseUrl} ${incarnation}`
  }

  /** A process ended. The next one knows what was kept: rests longer than this. */
  forget(keptMs: number): void {
    this.life++
    this.seals.clear()
    for (const [account, rest] of this.rests) if (rest.untilMs - rest.sinceMs <= keptMs) this.rests.delete(account)
  }
}
