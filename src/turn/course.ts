import type { Account } from '../core/account.ts'
import type { Ownership, SealedItem } from '../core/continuation.ts'
import type { Tried } from '../core/failover.ts'
import type { AccountId, UpstreamModel } from '../core/ids.ts'
import type { Outcome } from '../core/record.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import type { Candidate, Wish } from '../core/route.ts'
import { dialectOf, type DialectName, type Reference } from '../core/turn.ts'
import { isForeign, wayTo } from '../core/way.ts'
import { assert } from '../lib/assert.ts'
import { LedgerStuck } from '../ports/ledger.ts'
import { nothingSpent, type Seat, type Spent } from '../ports/limits.ts'
import type { Settings } from '../ports/settings.ts'
import type { Sink } from '../ports/sink.ts'
import type { TurnSpan } from '../ports/tracer.ts'
import { Client } from './client.ts'
import { Draft, type Answered } from './draft.ts'
import type { RawAnswer } from './raw-answer.ts'
import { expectedOf, spentOf } from './spent.ts'
import type { Ask, World } from './world.ts'

/** One turn on its way: what was asked, what was tried, what is on the books. Lives as long as the turn and knows only this one. */
export class Course {
  readonly world: World
  readonly ask: Ask
  readonly signal: AbortSignal
  /** The operator's policy as it was at admit. */
  readonly settings: Settings
  readonly client: Client
  readonly draft: Draft
  /** Null: nobody follows this turn. */
  readonly span: TurnSpan | null
  readonly tried: Tried[] = []
  /** Accounts that may not be chosen again. */
  readonly spent = new Set<AccountId>()
  owner: AccountId | null = null
  pin: AccountId | null = null
  /** The account of the last attempt, while that is to be made once more. */
  again: AccountId | null = null
  /** Whether the answer that this one continues is said again even where the account should know it, since it did not. */
  saysAgain = false
  /** Accounts whose upstream was found in this turn to speak no WebSocket. */
  readonly bridged = new Set<AccountId>()
  /** Dialects that have no words for this question, and what they have none for. */
  readonly unsayable = new Map<DialectName, Refusal>()
  /** Whether sealed items of unknown origin are tried, or stay behind since an upstream refused them. */
  unknownSealed: 'try' | 'drop' = 'try'
  /** What the last failed attempt was answered with. */
  raw: RawAnswer | null = null
  /** Within the limits of the key; null: not yet, or not at all. */
  seat: Seat | null = null
  /** What the turn will come to, as far as its question tells. */
  readonly expected: Spent
  #opened: Promise<void> = Promise.resolve()
  #books: 'closed' | 'open' | 'settled' = 'closed'

  constructor(world: World, ask: Ask, sink: Sink, signal: AbortSignal) {
    this.world = world
    this.ask = ask
    this.signal = signal
    this.settings = world.settings()
    this.client = new Client(world, ask, sink, this.settings.times)
    this.draft = new Draft(ask, world.clock.now())
    this.span = world.tracer?.turn({ opened: this.draft.opened, receivedAtMs: ask.receivedAtMs, headers: ask.headers }) ?? null
    this.expected = expectedOf(world, ask, this.settings)
  }

  get nowMs(): number {
    return this.world.clock.now()
  }

  /** Queues the open, so that it is almost always on disk before the commit point asks for it. */
  open(): void {
    this.#books = 'open'
    this.#opened = this.world.ledger.open(this.draft.opened)
    // Whoever needs it awaits it; a turn that ends before does not.
    this.#opened.catch(() => {})
  }

  /** Null when the turn's open is on disk. */
  isOnTheBooks(): Promise<Refusal | null> {
    return this.#opened.then(written, unwritten)
  }

  /** Writes the one record of this turn. Null when it is on disk. A turn that was never opened leaves none. */
  settle(answered: Answered): Promise<Refusal | null> {
    if (this.#books !== 'open') return Promise.resolve(null)
    this.#books = 'settled'
    const record = this.draft.settled(answered, this.nowMs)
    const { world, ask } = this
    this.span?.settled(record)
    // Before the client hears of the end: its next question finds what this one came to.
    this.seat?.leave(spentOf(record, this.expected))
    world.metrics.turnEnded({
      endpoint: ask.turn.endpoint,
      outcome: record.outcome,
      durationMs: record.durationMs,
      firstOutputMs: record.firstOutputMs,
      overheadMs: this.draft.overheadMs(ask.receivedAtMs),
    })
    world.log.info(
      {
        turn: ask.id,
        request: ask.requestId,
        key: ask.caller.key,
        endpoint: ask.turn.endpoint,
        model: ask.turn.model,
        outcome: record.outcome,
        code: record.code,
        accounts: record.attempts.map((attempt) => attempt.account),
        firstOutputMs: record.firstOutputMs,
        durationMs: record.durationMs,
      },
      'turn',
    )
    return world.ledger.settle(record).then(written, unwritten)
  }

  /** Gives the place within the key's limits back, where no record has done so. */
  leave(): void {
    this.seat?.leave(nothingSpent)
  }

  /** Settles a turn without an answer; its client does not wait for the commit. */
  settleWithout(outcome: Outcome, code: string | null): void {
    void this.settle({ outcome, code, usage: null, tierServed: null, owned: null })
  }

  wish(): Wish {
    const { session, turn } = this.ask
    const { affinity } = turn
    return {
      owner: this.owner,
      pin: this.pin ?? session?.pin() ?? null,
      pinHolds: session !== null && session.previous === null ? 'in-the-best-group' : 'always',
      again: this.again,
      affinity: affinity === null ? null : `${this.ask.caller.key}\n${affinity}`,
      tried: this.spent,
      unwell: this.#unwell(),
    }
  }

  /** The accounts that the caller may use, as they stand now to this turn. */
  candidates(): readonly Candidate[] {
    const { world, ask, settings } = this
    const candidates = world.accounts.candidates(ask.caller.pools, ask.turn.model)
    const speech = ({ account, model }: Candidate): NonNullable<Candidate['speech']> => {
      if (model === null || !isForeign(account, ask.turn)) return 'native'
      const way = wayTo(account, model, ask.turn)
      if (way === null || settings.translate === 'never' || this.unsayable.has(way)) return 'none'
      return settings.translate === 'always' ? 'native' : 'translated'
    }
    return candidates.some(({ account }) => isForeign(account, ask.turn)) ? candidates.map((one) => ({ ...one, speech: speech(one) })) : candidates
  }

  /** The dialect in which this account is asked: its own for the question, where the better one has no words for it. */
  wayTo(account: Account, model: UpstreamModel): DialectName {
    const { turn } = this.ask
    const way = wayTo(account, model, turn)
    assert(way !== null, 'an account that was chosen can be asked')
    return this.unsayable.has(way) && !isForeign(account, turn) ? dialectOf(turn.endpoint) : way
  }

  ownerships(references: readonly Reference[]): Promise<readonly Ownership[]> {
    return Promise.all(references.map(async (reference) => ({ reference, owner: await this.world.owners.find(reference.id) })))
  }

  /** Who is known to have sealed what stands in the question itself. */
  sealed(): readonly SealedItem[] {
    return this.ask.turn.sealed.map(({ index, hash }) => ({ index, sealer: this.world.origins.sealedBy(hash) }))
  }

  /** How a session's frame goes to this account. */
  goesOver({ id, websocket, dialects }: Account): 'websocket' | 'http' {
    if (!dialects.includes('responses')) return 'http'
    if (websocket === 'off' || this.bridged.has(id)) return 'http'
    return websocket === 'on' || this.world.accounts.speaksWebSocket(id) ? 'websocket' : 'http'
  }

  #unwell(): ReadonlySet<string> {
    return this.tried.length === 0 ? nobody : new Set(this.tried.filter((t) => t.failure.blame === 'upstream').map((t) => t.baseUrl))
  }
}

const nobody: ReadonlySet<string> = new Set()
const written = (): null => null

function unwritten(error: unknown): Refusal {
  if (error instanceof LedgerStuck) return ledgerUnavailable
  throw error
}

export const ledgerUnavailable = refusal(
  'ledger_unavailable',
  'The ledger cannot be written just now, and no turn is served that would not be on the books. Please try again.',
  { retryAfterMs: 5000 },
)
