import { describe, expect, test } from 'vitest'
import type { AccountId, KeyId } from '../../src/core/ids.ts'
import type { TurnSettled } from '../../src/core/record.ts'
import type { Lease } from '../../src/ports/pool.ts'
import type { Settings } from '../../src/ports/settings.ts'
import type { AnswerReader, Call, Sent } from '../../src/ports/transport.ts'
import type { Sink } from '../../src/ports/sink.ts'
import type { World } from '../../src/turn/world.ts'
import { failure } from '../support/signals.ts'
import { secretMark } from './landscape.ts'
import { simulate, type Played } from './simulation.ts'

/** The same object, but for what is said here. Methods keep their own `this`. */
function but<T extends object>(inner: T, changes: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(name in changes ? changes : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

type Spoil = (played: Played) => Played

const spoilWorld =
  (change: (world: World, played: Played) => Partial<World>): Spoil =>
  (played) => ({ ...played, world: { ...played.world, ...change(played.world, played) } })

const spoilSink =
  (change: (sink: Sink, played: Played) => Partial<Sink>): Spoil =>
  (played) => ({ ...played, sink: but(played.sink, change(played.sink, played)) })

const spoilSettings = (change: (now: Settings) => Settings): Spoil => spoilWorld((world) => ({ settings: () => change(world.settings()) }))

/** Every call is another one. */
const sending = (change: (call: Call, played: Played) => Call): Spoil =>
  spoilWorld(({ transport }, played) => ({ transport: { send: (call) => transport.send(change(call, played)) } }))

/** Every answer is another one. */
const answering = (change: (sent: Sent) => Sent): Spoil =>
  spoilWorld(({ transport }) => ({ transport: { send: async (call) => change(await transport.send(call)) } }))

const settling = (change: (record: TurnSettled) => TurnSettled): Spoil =>
  spoilWorld(({ ledger }) => ({ ledger: but(ledger, { settle: (record) => ledger.settle(change(record)) }) }))

const leasing = (change: (lease: Lease, played: Played) => Lease): Spoil =>
  spoilWorld(({ accounts }, played) => ({
    accounts: but(accounts, {
      lease: async (candidate) => {
        const lease = await accounts.lease(candidate)
        return lease === null ? null : change(lease, played)
      },
    }),
  }))

const withPieces = (call: Call, pieces: readonly Buffer[]): Call => ({ ...call, body: { pieces, bytes: pieces.reduce((sum, piece) => sum + piece.length, 0) } })

const wrong: readonly (readonly [law: string, how: string, spoil: Spoil])[] = [
  // 1
  [
    'upstreamReceivesOnlyMappedModels',
    'a client’s name goes upstream as it is',
    sending((call, { story }) => withPieces(call, story.ask.body.value.edited([]).pieces)),
  ],
  [
    'accountsAreThoseOfTheKey',
    'the pools of a key are not looked at',
    spoilWorld(({ accounts }, { story }) => ({
      accounts: but(accounts, {
        candidates: (_, model) =>
          accounts.candidates(
            story.landscape.pools.map((pool) => pool.id),
            model,
          ),
      }),
    })),
  ],
  // 2
  [
    'continuationGoesOnlyToItsOwner',
    'continuations are said to be another account’s',
    spoilWorld((_, { story }) => ({
      owners: { find: () => Promise.resolve({ account: [...story.landscape.seats.keys()].at(-1) ?? ('a' as AccountId), key: story.ask.caller.key }) },
    })),
  ],
  // 3
  [
    'answerHoldsOneAttempt',
    'what a failed attempt said is given too',
    spoilSink((sink, { story }) => ({ write: (chunks) => sink.write(story.calls.length > 1 ? [...chunks, story.calls[0]?.said ?? Buffer.alloc(0)] : chunks) })),
  ],
  // 4
  [
    'turnLeavesOneRecord',
    'a turn is settled twice',
    spoilWorld(({ ledger }) => ({
      ledger: but(ledger, {
        settle: (record) => {
          void ledger.settle(record)
          return ledger.settle(record)
        },
      }),
    })),
  ],
  ['turnLeavesOneRecord', 'a turn is not settled', spoilWorld(({ ledger }) => ({ ledger: but(ledger, { settle: () => Promise.resolve() }) }))],
  [
    'recordTellsEveryAttempt',
    'attempts are recorded under one name',
    settling((record) => ({ ...record, attempts: record.attempts.map((attempt) => ({ ...attempt, account: 'a' as AccountId })) })),
  ],
  // 5
  ['tierBilledIsTierServed', 'the tier asked for is billed', settling((record) => ({ ...record, tier: { ...record.tier, billed: record.tier.requested } }))],
  [
    'usageIsWhatTheUpstreamSaid',
    'a token is lost',
    settling((record) => ({ ...record, usage: record.usage === null ? null : { ...record.usage, outputTokens: record.usage.outputTokens - 1 } })),
  ],
  // 6
  [
    'cancelledTurnChangesNoHealth',
    'a client that goes away is held against the account',
    spoilWorld(({ accounts, clock }, { story }) => {
      let lent: Lease | null = null
      story.controller.signal.addEventListener('abort', () => {
        if (lent !== null) accounts.failed(lent, failure('network'), clock.now())
      })
      return { accounts: but(accounts, { lease: async (candidate) => (lent = await accounts.lease(candidate)) }) }
    }),
  ],
  // 7
  ['everyLeaseIsReturned', 'leases are kept', leasing((lease) => ({ ...lease, give: () => {} }))],
  [
    'concurrencyIsKept',
    'a lease is returned while its upstream is busy',
    answering((sent) => (sent.kind === 'answer' ? { ...sent, body: but(sent.body, { closed: Promise.resolve() }) } : sent)),
  ],
  // 8
  ['attemptsAreBounded', 'any number of accounts is tried', spoilSettings((now) => ({ ...now, failover: { ...now.failover, accountsPerTurn: 99 } }))],
  ['waitsAreBounded', 'a turn waits for a slot as long as it takes', spoilSettings((now) => ({ ...now, times: { ...now.times, slotWaitMs: 900_000 } }))],
  [
    'heldBytesAreBounded',
    'a client that is full is written to all the same',
    spoilSink((sink) => ({
      write: (chunks) => {
        sink.write(chunks)
        return true
      },
    })),
  ],
  [
    'outputIsGivenAtOnce',
    'what comes is kept until all has come',
    answering((sent) => {
      if (sent.kind !== 'answer') return sent
      const { body } = sent
      const read = (reader: AnswerReader): void => {
        const kept: Buffer[] = []
        body.read({
          chunk: (bytes) => void kept.push(bytes),
          end: () => {
            for (const bytes of kept) reader.chunk(bytes)
            reader.end()
          },
          broken: (detail) => reader.broken(detail),
        })
      }
      return { ...sent, body: but(body, { read }) }
    }),
  ],
  // 10
  [
    'noSecretIsLogged',
    'a call is logged whole',
    spoilWorld(({ transport, log }) => ({
      transport: {
        send: (call) => {
          log.debug({ credential: call.credential }, 'sending')
          return transport.send(call)
        },
      },
    })),
  ],
  [
    'noSecretIsSaid',
    'an error names a credential',
    spoilSink((sink) => {
      let status = 0
      return {
        head: (given, headers) => {
          status = given
          sink.head(
            given,
            headers.filter(([name]) => name !== 'content-length'),
          )
        },
        write: (chunks) => sink.write(status >= 400 ? [Buffer.from(`{"error":{"message":"${secretMark}"}}`)] : chunks),
      }
    }),
  ],
  // 11
  ['blockedAttemptSendsNothing', 'the rules are not read', spoilSettings((now) => ({ ...now, rules: [] }))],
  // 12
  [
    'recordPrecedesTheEnd',
    'the ledger says that it is done before it is',
    spoilWorld(({ ledger }) => ({
      ledger: but(ledger, {
        settle: (record) => {
          void ledger.settle(record)
          return Promise.resolve()
        },
      }),
    })),
  ],
  [
    'openPrecedesOutput',
    'an open is said to be on disk before it is',
    spoilWorld(({ ledger }) => ({
      ledger: but(ledger, {
        open: (turn) => {
          ledger.open(turn).catch(() => {})
          return Promise.resolve()
        },
      }),
    })),
  ],
  [
    'everyRecordIsCommitted',
    'the record of a refusal is forgotten',
    spoilWorld(({ ledger }, { story }) => ({
      ledger: but(ledger, {
        settle: (record) => {
          if (record.outcome !== 'refused') return ledger.settle(record)
          story.settles++
          story.record = record
          return Promise.resolve()
        },
      }),
    })),
  ],
  // 13
  [
    'keysAreApart',
    'an answer belongs to whoever names it',
    spoilWorld(({ owners }, { story }) => ({
      owners: {
        find: async (id) => {
          const owner = await owners.find(id)
          return owner === null ? null : { account: owner.account, key: story.ask.caller.key satisfies KeyId }
        },
      },
    })),
  ],
  ['foreignSealsStayBehind', 'nobody remembers who sealed what', spoilWorld(({ origins }) => ({ origins: but(origins, { sealedBy: () => null }) }))],
  ['turnStateGoesOnlyToItsMaker', 'no header is left out', sending((call) => ({ ...call, omit: [] }))],
  // A7
  ['bytesDependOnBodyAccountAndPlan', 'a body gets a space at its end', sending((call) => withPieces(call, [...(call.body?.pieces ?? []), Buffer.from(' ')]))],
  [
    'nothingIsSentAfterTheCommitPoint',
    'another attempt begins behind the first output',
    (played) => {
      const { world, sink, story } = played
      const write = (chunks: readonly Buffer[]): boolean => {
        const takes = sink.write(chunks)
        const call = story.last?.call
        if (call !== undefined && story.outputBytes > 0) void world.transport.send(call).catch(() => {})
        return takes
      }
      return { ...played, sink: but(sink, { write }) }
    },
  ],
  [
    'ambiguousIsTriedOnceMore',
    'a reset counts as if nothing had been sent',
    answering((sent) => (sent.kind === 'signal' ? { kind: 'signal', signal: { kind: 'unreachable', why: 'refused', handedOver: false, detail: 'x' } } : sent)),
  ],
  ['failoversAreWithinBudget', 'the budget is not asked', spoilWorld(({ accounts }) => ({ accounts: but(accounts, { mayFailOver: () => true }) }))],
  [
    'statedResetIsKept',
    'a spent quota is held against one model only',
    spoilWorld(({ accounts }) => ({ accounts: but(accounts, { failed: (lease, f, atMs) => accounts.failed(lease, { ...f, blame: 'pair' }, atMs) }) })),
  ],
  ['streamEndsWithOneTerminal', 'a broken stream ends cleanly', spoilSink((sink) => ({ cut: () => void sink.end() }))],
  [
    'streamEndsWithOneTerminal',
    'a broken stream ends without a word',
    spoilSink((sink) => ({ write: (chunks) => (chunks.some((bytes) => bytes.includes('"code":"upstream_unreachable"')) ? true : sink.write(chunks)) })),
  ],
  [
    'wholeAnswerIsWhole',
    'a whole answer is cut off',
    spoilSink((sink, { story }) => ({
      end: () => {
        if (story.ask.turn.stream) return sink.end()
        sink.cut()
        return Promise.resolve()
      },
    })),
  ],
  [
    'headComesOnceAndFirst',
    'the head is written twice',
    spoilSink((sink) => ({
      head: (status, headers) => {
        sink.head(status, headers)
        sink.head(status, headers)
      },
    })),
  ],
  [
    'nothingFollowsTheEnd',
    'a byte is written behind the end',
    spoilSink((sink) => ({
      end: async () => {
        await sink.end()
        sink.write([Buffer.from('x')])
      },
    })),
  ],
  ['everyClientIsAnswered', 'an answer never ends', spoilSink(() => ({ end: () => Promise.resolve() }))],
  [
    'credentialTroubleIsOurs',
    'a client is told 401 for our credential',
    spoilSink((sink) => ({ head: (status, headers) => sink.head(status === 502 ? 401 : status, headers) })),
  ],
  [
    'noTimerIsLeft',
    'a timer is forgotten',
    (played) => {
      played.world.clock.after(3_600_000, () => {})
      return played
    },
  ],
  ['everyTurnEnds', 'who waits is forgotten', spoilWorld(({ accounts }) => ({ accounts: but(accounts, { wait: () => new Promise(() => {}) }) }))],
  ['noTurnThrows', 'a look-up fails', spoilWorld(() => ({ owners: { find: () => Promise.reject(new Error('no such table')) } }))],
]

describe('a wrong world is found out', () => {
  test.each(wrong)('%s: %s', async (law, _how, spoil) => {
    for (let seed = 1; seed <= 12; seed++) {
      const { violation } = await simulate({ seed, firstTurn: 0, turns: 600, spoil })
      if (violation === null) continue
      expect(violation).toMatchObject({ invariant: law })
      return
    }
    expect.fail('nobody noticed')
  })

  test('every law of the sound worlds is broken here at least once', async () => {
    const { checked } = await simulate({ seed: 1, firstTurn: 0, turns: 2000 })
    const broken = new Set(wrong.map(([law]) => law))
    expect([...checked.keys()].filter((law) => !broken.has(law))).toEqual([])
  })
})
