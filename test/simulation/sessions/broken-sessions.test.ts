import { describe, expect, test } from 'vitest'
import type { AccountId, KeyId } from '../../../src/core/ids.ts'
import type { TurnSettled } from '../../../src/core/record.ts'
import type { Rule } from '../../../src/core/policy.ts'
import type { Item, Items, Node } from '../../../src/core/transcript.ts'
import type { Lease } from '../../../src/ports/pool.ts'
import type { Settings } from '../../../src/ports/settings.ts'
import type { FrameCall, Sockets } from '../../../src/ports/sockets.ts'
import type { Sink } from '../../../src/ports/sink.ts'
import { Transcripts, type SessionTranscript } from '../../../src/server/transcripts.ts'
import type { SessionDoor } from '../../../src/server/session-door.ts'
import type { SessionTurn } from '../../../src/turn/session-turn.ts'
import type { World } from '../../../src/turn/world.ts'
import { listed } from '../../support/dialogue.ts'
import { failure } from '../../support/signals.ts'
import { secretMark } from '../landscape.ts'
import { but } from './pins.ts'
import { simulateSessions } from './session-simulation.ts'
import type { PlayedTurn, Spoil } from './session-setting.ts'

const spoilTurn = (turn: (played: PlayedTurn) => PlayedTurn): Spoil => ({ turn })
const spoilWorld = (change: (world: World, played: PlayedTurn) => Partial<World>): Spoil =>
  spoilTurn((played) => ({ ...played, world: { ...played.world, ...change(played.world, played) } }))
const spoilSession = (change: (session: SessionTurn, played: PlayedTurn) => Partial<SessionTurn>): Spoil =>
  spoilTurn((played) => {
    const { session } = played.ask
    return session === null ? played : { ...played, ask: { ...played.ask, session: but(session, change(session, played)) } }
  })
const spoilSink = (change: (sink: Sink, played: PlayedTurn) => Partial<Sink>): Spoil =>
  spoilTurn((played) => ({ ...played, sink: but(played.sink, change(played.sink, played)) }))
const spoilSettings = (change: (now: Settings) => Settings): Spoil => spoilWorld((world) => ({ settings: () => change(world.settings()) }))
const spoilDoor = (change: (door: SessionDoor) => Partial<SessionDoor>): Spoil => ({ door: (door) => ({ ...door, ...change(door) }) })
const settling = (change: (record: TurnSettled) => TurnSettled): Spoil =>
  spoilWorld(({ ledger }) => ({ ledger: but(ledger, { settle: (record) => ledger.settle(change(record)) }) }))
const leasing = (change: (lease: Lease, played: PlayedTurn) => Lease): Spoil =>
  spoilWorld(({ accounts }, played) => ({
    accounts: but(accounts, {
      lease: async (candidate) => {
        const lease = await accounts.lease(candidate)
        return lease === null ? null : change(lease, played)
      },
    }),
  }))

/** Every frame of a turn is another one. */
const saying = (change: (call: FrameCall, played: PlayedTurn) => FrameCall): Spoil =>
  spoilSession(({ sockets }, played) => ({ sockets: but(sockets, { send: (call) => sockets.send(change(call, played)) }) }))
const remembering = (change: (node: Node, at: number, chain: readonly Node[]) => Node): Spoil =>
  spoilSession(({ transcript }) => ({
    transcript: { isWhole: (id) => transcript.isWhole(id), find: (id) => transcript.find(id), chain: (id) => transcript.chain(id)?.map(change) ?? null },
  }))

const withText = (call: FrameCall, text: string): FrameCall => ({ ...call, frame: { pieces: [Buffer.from(text)], bytes: Buffer.byteLength(text) } })
const textOf = (call: FrameCall): string => Buffer.concat(call.frame.pieces).toString('utf8')

/** Transcripts that grow as they like. */
class EndlessTranscripts extends Transcripts {
  readonly #told: Transcripts

  constructor(told: Transcripts) {
    super(() => Infinity)
    this.#told = told
  }

  override open(): SessionTranscript {
    return this.#told.open(Infinity)
  }
}

const sockets = (change: (inner: Sockets) => Sockets): Spoil => spoilDoor((door) => ({ sockets: change(door.sockets) }))
const isTerminal = (bytes: Buffer): boolean => bytes.includes('"type":"response.completed"')
const altered = (items: Items, change: (items: readonly Item[]) => readonly Item[]): Items => listed(...change(items.apart() ?? []))
const lastItem = (node: Node): Node => {
  const part = node.output.apart()?.length === 0 ? 'input' : 'output'
  return { ...node, [part]: altered(node[part], (items) => items.slice(0, -1)) }
}

const withoutFirst = (items: Items | null): Items | null => (items === null ? null : altered(items, (all) => all.slice(1)))

const unblocked = (rule: Rule): Rule => ({
  ...rule,
  action: rule.action === 'block' ? 'pass' : rule.action,
  otherwise: rule.otherwise === 'block' ? 'pass' : rule.otherwise,
})
const reading = (change: (reader: SessionDoor['reader']) => Partial<SessionDoor['reader']>): Spoil =>
  spoilDoor(({ reader }) => ({ reader: but(reader, change(reader)) }))
const acknowledged = Buffer.from('{"type":"acknowledged"}')

const wrong: readonly (readonly [law: string, how: string, spoil: Spoil])[] = [
  // 1
  [
    'upstreamReceivesOnlyMappedModels',
    'a follow-up goes without the model that it was asked for',
    saying((call) => withText(call, textOf(call).replace(/"model":"[^"]*"/, '"model":"gpt-5.5"'))),
  ],
  [
    'updatesNameOnlyMappedModels',
    'an update goes upstream with the client’s own name',
    spoilSession((session) => ({
      preamble: (account) =>
        session.preamble(account) === null ? null : { pieces: [Buffer.from('{"type":"session.update","session":{"model":"team/large"}}')], bytes: 57 },
    })),
  ],
  [
    'unknownFramesPassAsTheyAre',
    'a frame of an unknown type gets a space',
    sockets((inner) => ({
      session: (listener) => {
        const of = inner.session(listener)
        return but(of, { forward: (account, { pieces, bytes }) => of.forward(account, { pieces: [...pieces, Buffer.from(' ')], bytes: bytes + 1 }) })
      },
    })),
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
    'a stale continuation is sent to another account',
    saying((call, { ask: { session } }) => {
      const previous = session?.previous ?? null
      const node = previous === null ? null : (session?.transcript.find(previous) ?? null)
      // An id that the gateway itself gave to a warm-up is nobody's.
      if (node === null || node.owner === call.account.id || node.id.startsWith('resp_turn')) return call
      return withText(call, textOf(call).replace(/\}\s*$/, `,"previous_response_id":"${node.id}"}`))
    }),
  ],
  ['whatNobodyKeepsIsSaidWhereItIsKnown', 'a frame is bound to no socket', saying((call) => ({ ...call, continues: null }))],
  // 3
  [
    'answerHoldsOneAttempt',
    'what a failed attempt said is given too',
    spoilSink((sink, { story }) => ({
      write: (chunks) =>
        sink.write(story.calls.length > 1 ? [...(story.calls[0]?.frames ?? []).filter((one) => !one.includes('"error":{')), ...chunks] : chunks),
    })),
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
  [
    'recordTellsEveryAttempt',
    'attempts are recorded under one name',
    settling((record) => ({ ...record, attempts: record.attempts.map((one) => ({ ...one, account: 'z' as AccountId })) })),
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
      const poll = (): void => {
        if (story.cancelledBy === null) return void (story.outcome === null && clock.after(1000, poll))
        if (lent !== null) accounts.failed(lent, failure('network'), clock.now())
      }
      clock.after(500, poll)
      return { accounts: but(accounts, { lease: async (candidate) => (lent = await accounts.lease(candidate)) }) }
    }),
  ],
  // 7
  [
    'everyLeaseIsReturned',
    'a session that closes keeps its leases',
    leasing((lease, { story }) => ({ ...lease, give: () => (story.cancelledBy === 'client' ? undefined : lease.give()) })),
  ],
  [
    'concurrencyIsKept',
    'a lease is returned while its upstream is busy',
    spoilWorld(({ transport }) => ({
      transport: {
        send: async (call) => {
          const sent = await transport.send(call)
          return sent.kind === 'answer' ? { ...sent, body: but(sent.body, { closed: Promise.resolve() }) } : sent
        },
      },
    })),
  ],
  // 8
  ['transcriptsAreBounded', 'the bound of a transcript is not read', spoilDoor((door) => ({ transcripts: new EndlessTranscripts(door.transcripts) }))],
  ['attemptsAreBounded', 'any number of accounts is tried', spoilSettings((now) => ({ ...now, failover: { ...now.failover, accountsPerTurn: 99 } }))],
  ['waitsAreBounded', 'a turn waits for a slot as long as it takes', spoilSettings((now) => ({ ...now, times: { ...now.times, slotWaitMs: 900_000 } }))],
  [
    'heldFramesAreBounded',
    'a client that is full is written to all the same',
    spoilSink((sink) => ({
      write: (chunks) => {
        sink.write(chunks)
        return true
      },
    })),
  ],
  [
    'ambiguousIsTriedOnceMore',
    'a reset counts as if nothing had been sent',
    spoilWorld(({ transport }) => ({
      transport: {
        send: async (call) => {
          const sent = await transport.send(call)
          return sent.kind === 'signal' ? { kind: 'signal', signal: { kind: 'unreachable', why: 'refused', handedOver: false, detail: 'x' } } : sent
        },
      },
    })),
  ],
  // 10
  [
    'noSecretIsLogged',
    'a lease is logged whole',
    spoilWorld(({ accounts, log }) => ({
      accounts: but(accounts, {
        lease: async (candidate) => {
          const lease = await accounts.lease(candidate)
          log.debug({ lease }, 'leased')
          return lease
        },
      }),
    })),
  ],
  [
    'noSecretIsSaid',
    'an error names a credential',
    spoilSink((sink) => ({
      write: (chunks) => sink.write(chunks.map((one) => Buffer.from(one.toString('utf8').replace('"message":"', `"message":"${secretMark} `)))),
    })),
  ],
  // 11
  [
    'blockedAttemptSendsNothing',
    'the rules are not read for a frame without a model',
    spoilWorld((world, { story }) => ({
      settings: () => (story.fields['model'] === undefined ? { ...world.settings(), rules: world.settings().rules.map(unblocked) } : world.settings()),
    })),
  ],
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
    'the owner of an answer is not asked for its key',
    spoilWorld(({ owners }, { story }) => ({
      owners: {
        find: async (id) => {
          const owner = await owners.find(id)
          return owner === null ? null : { account: owner.account, key: story.ask.caller.key satisfies KeyId }
        },
      },
    })),
  ],
  [
    'turnStateGoesOnlyToItsMaker',
    'whoever asks made the routing token',
    spoilWorld(({ origins }) => ({ origins: but(origins, { turnStateOf: () => 'a' as AccountId }) })),
  ],
  // 14
  ['modelSeesTheDialogue', 'what is said again loses an item', remembering((node, at, chain) => (at === chain.length - 1 ? lastItem(node) : node))],
  ['modelSeesTheDialogue', 'what is said again is the newest, not what was named', spoilSession((session) => ({ own: () => withoutFirst(session.own()) }))],
  [
    'foreignSealsStayBehind',
    'what is said again keeps another account’s reasoning',
    remembering((node) => ({
      ...node,
      output: altered(node.output, (items) => items.map((item) => (item.is === 'reasoning' ? { ...item, is: 'other' } : item))),
    })),
  ],
  // A7
  ['framesSayWhatWasAsked', 'a frame gets a member', saying((call) => withText(call, textOf(call).replace(/\}\s*$/, ',"extra":1}')))],
  // Pins, lanes, ends
  ['aFailureReleasesThePin', 'a session stays with an account whose quota is spent', spoilSession(() => ({ failed: () => {} }))],
  [
    'oneTerminalPerTurn',
    'the end of an answer is told twice',
    spoilSink((sink) => ({ write: (chunks) => sink.write(chunks.flatMap((one) => (isTerminal(one) ? [one, one] : [one]))) })),
  ],
  [
    'everyTurnIsToldToItsClient',
    'the end of an answer is swallowed',
    spoilSink((sink) => ({ write: (chunks) => sink.write(chunks.filter((one) => !isTerminal(one))) })),
  ],
  [
    'lanesAreNamed',
    'events lose their lane',
    spoilSink((sink) => ({
      write: (chunks) =>
        sink.write(
          chunks.map((one) =>
            Buffer.from(
              one
                .toString('utf8')
                .replace(/,?"stream_id":"[^"]*"/, '')
                .replace('{,', '{'),
            ),
          ),
        ),
    })),
  ],
  [
    'nothingIsSentAfterTheCommitPoint',
    'another attempt begins behind the first output',
    spoilTurn((played) => {
      const { world, sink, story } = played
      const write = (chunks: readonly Buffer[]): boolean => {
        const takes = sink.write(chunks)
        const call = story.last?.call
        if (call !== undefined && story.outputBytes > 0 && story.terminals === 0)
          void world.transport.send({ ...call, body: { pieces: [Buffer.from(story.last?.text ?? '')], bytes: 1 } }).catch(() => {})
        return takes
      }
      return { ...played, sink: but(sink, { write }) }
    }),
  ],
  [
    'statedResetIsKept',
    'a spent quota is held against one model only',
    spoilWorld(({ accounts }) => ({ accounts: but(accounts, { failed: (lease, f, atMs) => accounts.failed(lease, { ...f, blame: 'pair' }, atMs) }) })),
  ],
  [
    'noTimerIsLeft',
    'a timer is forgotten',
    spoilTurn((played) => {
      played.world.clock.after(3_600_000, () => {})
      return played
    }),
  ],
  [
    'lanesAreFirstInFirstOut',
    'a turn is said to be over before it is',
    spoilDoor((door) => ({ run: (ask, sink, signal) => Promise.race([door.run(ask, sink, signal), Promise.resolve('failed' as const)]) })),
  ],
  [
    'turnsInFlightAreBounded',
    'turns of many lanes are said to be over before they are',
    spoilDoor((door) => ({
      run: (ask, sink, signal) => {
        const over = door.run(ask, sink, signal)
        // A turn that goes on after its end finds its frame let go.
        over.catch(() => {})
        return ask.session?.lane.startsWith('flood-') === true ? Promise.resolve('failed' as const) : over
      },
    })),
  ],
  [
    'waitingFramesAreBounded',
    'a frame too many is refused without a word',
    reading((reader) => ({ refusal: (no, lane, request) => (no.code === 'queue_full' ? acknowledged : reader.refusal(no, lane, request)) })),
  ],
  [
    'errorsTellTheirStatus',
    'an error tells no status',
    reading((reader) => ({ refusal: (no, lane, request) => Buffer.from(reader.refusal(no, lane, request).toString('utf8').replace('"status":', '"state":')) })),
  ],
  ['onlyTurnsAreAnswered', 'a steer is answered as if it were a turn', reading(() => ({ steerFailed: () => Buffer.from('{"type":"response.failed"}') }))],
  [
    'framesAreLetGo',
    'frames are kept',
    reading((reader) => ({
      read: (bytes, ticket) => {
        const read = reader.read(bytes, ticket)
        return read.held === null ? read : { ...read, held: but(read.held, { letGo: () => {} }) }
      },
    })),
  ],
  ['everySessionEnds', 'who waits is forgotten', spoilWorld(({ accounts }) => ({ accounts: but(accounts, { wait: () => new Promise(() => {}) }) }))],
  ['noTurnThrows', 'a look-up fails', spoilWorld(() => ({ owners: { find: () => Promise.reject(new Error('no such table')) } }))],
]

describe('a wrong world of sessions is found out', () => {
  test.each(wrong)(
    '%s: %s',
    async (law, _how, spoil) => {
      for (let seed = 1; seed <= 12; seed++) {
        const { violation } = await simulateSessions({ seed, firstSession: 0, sessions: 400, spoil })
        if (violation === null) continue
        expect(violation).toMatchObject({ invariant: law })
        return
      }
      expect.fail('nobody noticed')
    },
    60_000,
  )
})
