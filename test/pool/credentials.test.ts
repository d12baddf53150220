import { describe, expect, test } from 'vitest'
import type { Credential, Renewing } from '../../src/core/account.ts'
import type { Why } from '../../src/core/health.ts'
import { Credentials, type Configured } from '../../src/pool/credentials.ts'
import { account, accountId } from '../support/accounts.ts'
import { Disk, DiskCredentials, RotatingTokens, type WriteDeed } from '../support/kept-credentials.ts'
import { settled, VirtualClock } from '../support/virtual-clock.ts'

const id = accountId('main')
const hour = 3_600_000
const renewing: Renewing = { tokenUrl: 'https://auth.test/token', clientId: 'client', refreshToken: 'refresh-0' }
const seed: Credential = { kind: 'oauth', accessToken: 'access-0', accountId: null }
const configured = (differing: Partial<Configured> = {}): Configured => ({
  account: account('main', { upstream: 'codex' }),
  credential: seed,
  renewing,
  ...differing,
})
const unreachable = { kind: 'failed', status: null, why: 'it could not be reached: refused', exchanged: 'surely-not', retryAfterMs: null } as const

/** A process: what it was given is gone with it; the disk and the token endpoint stay. */
class Process {
  readonly clock: VirtualClock
  readonly store: DiskCredentials
  readonly credentials: Credentials
  readonly given: string[] = []
  readonly held: { readonly why: Why; readonly ms: number }[] = []
  readonly retired: Why[] = []
  /** What was on disk whenever a token was given out. */
  readonly keptWhenGiven: (string | null)[] = []

  private constructor({ clock, disk, tokens, sharing }: World, deeds: readonly WriteDeed[]) {
    this.clock = clock
    this.store = new DiskCredentials(disk, deeds)
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
    const holder = {
      renewed: (_: unknown, credential: Credential) => {
        this.given.push(credential.kind === 'oauth' ? credential.accessToken : '')
        this.keptWhenGiven.push(disk.of(id)?.refreshToken ?? null)
      },
      hold: (_: unknown, why: Why, untilMs: number) => this.held.push({ why, ms: untilMs - clock.now() }),
      retire: (_: unknown, why: Why) => this.retired.push(why),
    }
    this.credentials = new Credentials({ clock, dice: () => 0, log, kept: this.store, tokens, holder, process: String(processes++), sharing })
  }

  static async begin(world: World, of: Configured = configured(), deeds: readonly WriteDeed[] = []): Promise<Process> {
    const process = new Process(world, deeds)
    await process.credentials.load()
    process.carried = process.credentials.configure([of])[0]
    process.credentials.start()
    await settled()
    return process
  }

  carried: ReturnType<Credentials['configure']>[number] | undefined

  get accessToken(): string | null {
    const credential = this.carried?.credential
    return credential?.kind === 'oauth' ? credential.accessToken : null
  }
}
let processes = 0

class World {
  readonly clock = new VirtualClock()
  readonly disk = new Disk()
  readonly tokens = new RotatingTokens()
  readonly sharing: 'alone' | 'shared'

  constructor(sharing: 'alone' | 'shared' = 'alone') {
    this.sharing = sharing
  }
}

/** A token that says when it ends. */
const ending = (atMs: number): string => `e30.${Buffer.from(JSON.stringify({ exp: atMs / 1000 })).toString('base64url')}.s`

describe('a credential that an upstream has refused', () => {
  // B7
  test('is renewed once, however many ask at a time, and all of them are told', async () => {
    const world = new World()
    const process = await Process.begin(world)
    const answers = await Promise.all(Array.from({ length: 20 }, () => process.credentials.renew(id)))
    expect(answers).toEqual(Array(20).fill('renewed'))
    expect(world.tokens.wishes).toHaveLength(1)
    expect(world.tokens.wishes[0]).toMatchObject({ refreshToken: 'refresh-0', tokenUrl: 'https://auth.test/token', clientId: 'client' })
    expect(process.given).toEqual(['access-1'])
  })

  // B7
  test('is given to nobody before the rotated refresh token is on disk', async () => {
    const world = new World()
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    expect(process.keptWhenGiven).toEqual(['refresh-1'])
  })

  test('is no longer renewed when it is refused right after: then it is refused for another reason', async () => {
    const world = new World()
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    expect(await process.credentials.renew(id)).toBe('none')
    await world.clock.advance(30_000)
    expect(await process.credentials.renew(id)).toBe('renewed')
  })

  test('is not renewed where nothing renews it', async () => {
    const process = await Process.begin(new World(), configured({ renewing: { ...renewing, refreshToken: null } }))
    expect(await process.credentials.renew(id)).toBe('none')
    expect(await process.credentials.renew(accountId('stranger'))).toBe('none')
  })

  test('keeps what the token endpoint leaves out', async () => {
    const world = new World()
    const process = await Process.begin(world)
    world.tokens.refresh = async () => ({ kind: 'renewed', accessToken: 'access-9', refreshToken: null, expiresInMs: null })
    await process.credentials.renew(id)
    expect(world.disk.of(id)).toMatchObject({ accessToken: 'access-9', refreshToken: 'refresh-0', sending: null })
  })
})

describe('a credential that comes to its end', () => {
  const endsIn = (ms: number, clock: VirtualClock): Configured => configured({ credential: { ...seed, accessToken: ending(clock.now() + ms) } })

  test('is renewed ahead of it, and again ahead of the next', async () => {
    const world = new World()
    world.tokens.expiresInMs = hour
    const process = await Process.begin(world, endsIn(hour, world.clock))
    await world.clock.advance(55 * 60_000 - 1)
    expect(world.tokens.wishes).toHaveLength(0)
    await world.clock.advance(1)
    expect(process.given).toEqual(['access-1'])
    await world.clock.advance(55 * 60_000)
    expect(process.given).toEqual(['access-1', 'access-2'])
  })

  test('is renewed at once where that was missed', async () => {
    const world = new World()
    const process = await Process.begin(world, endsIn(-hour, world.clock))
    await world.clock.advance(0)
    expect(process.given).toEqual(['access-1'])
  })

  test('is renewed at most once a second, however short its life', async () => {
    const world = new World()
    world.tokens.expiresInMs = 1
    await Process.begin(world, endsIn(0, world.clock))
    await world.clock.advance(10_000)
    expect(world.tokens.wishes.length).toBeLessThanOrEqual(11)
  })

  test('serves on while its renewal fails, and rests only when it has ended', async () => {
    const world = new World()
    world.tokens.deeds = Array.from({ length: 100 }, () => unreachable)
    const process = await Process.begin(world, endsIn(hour, world.clock))
    await world.clock.advance(59 * 60_000)
    expect(world.tokens.wishes.length).toBeGreaterThan(3)
    expect(process.held).toEqual([])
    await world.clock.advance(20 * 60_000)
    expect(process.held.length).toBeGreaterThan(0)
    expect(process.held[0]?.why.advice).toContain('it could not be reached')
    expect(process.retired).toEqual([])
  })
})

describe('a failure that passes', () => {
  test('makes the account rest until the next try, which comes later each time and by itself', async () => {
    const world = new World()
    world.tokens.deeds = [unreachable, unreachable]
    const process = await Process.begin(world)
    expect(await process.credentials.renew(id)).toBe('failed')
    expect(process.held).toEqual([
      {
        ms: 5000,
        why: {
          kind: 'credential',
          status: null,
          code: null,
          advice: expect.stringMatching(/^its access token could not be renewed: it could not be reached: refused; tried again at 2026-/),
        },
      },
    ])
    await world.clock.advance(5000)
    expect(process.held[1]?.ms).toBe(10_000)
    await world.clock.advance(10_000)
    expect(process.given).toEqual(['access-1'])
  })

  test('asks the endpoint nothing before the next try, whoever asks', async () => {
    const world = new World()
    world.tokens.deeds = [unreachable]
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    expect(await process.credentials.renew(id)).toBe('failed')
    expect(world.tokens.wishes).toHaveLength(1)
    expect(process.held).toHaveLength(2)
  })

  test('waits as long as the endpoint asks, up to an hour', async () => {
    const world = new World()
    const busy = { ...unreachable, status: 429, why: 'it answered 429' }
    world.tokens.deeds = [
      { ...busy, retryAfterMs: 90_000 },
      { ...busy, retryAfterMs: 30 * 24 * hour },
    ]
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    await world.clock.advance(90_000)
    expect(process.held.map(({ ms }) => ms)).toEqual([90_000, hour])
  })

  test('never lasts longer than ten minutes by itself', async () => {
    const world = new World()
    world.tokens.deeds = Array.from({ length: 20 }, () => unreachable)
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    await world.clock.advance(3 * hour)
    expect(Math.max(...process.held.map(({ ms }) => ms))).toBe(600_000)
  })

  test('of a store that does not commit sends nothing', async () => {
    const world = new World()
    const process = await Process.begin(world, configured(), ['refused'])
    expect(await process.credentials.renew(id)).toBe('failed')
    expect(world.tokens.wishes).toEqual([])
    expect(process.held[0]?.why.advice).toContain('the store does not take it')
    await world.clock.advance(5000)
    expect(process.given).toEqual(['access-1'])
  })

  test('of a store that took the mark all the same delays nothing but the next try', async () => {
    const world = new World()
    const process = await Process.begin(world, configured(), ['unheard'])
    await process.credentials.renew(id)
    await world.clock.advance(5000)
    expect(process.given).toEqual(['access-1'])
  })

  test.each(['refused', 'unheard'] as const)(
    'of a store whose write of the new token is %s keeps it back until it is on disk, and exchanges no other',
    async (deed) => {
      const world = new World()
      const process = await Process.begin(world, configured(), ['done', deed])
      expect(await process.credentials.renew(id)).toBe('failed')
      expect(process.given).toEqual([])
      await world.clock.advance(5000)
      expect(process.given).toEqual(['access-1'])
      expect(process.keptWhenGiven).toEqual(['refresh-1'])
      expect(world.tokens.wishes).toHaveLength(1)
    },
  )
})

describe('a refusal of the token endpoint', () => {
  const refused = (code: string | null, fault: 'token' | 'client' = 'token') => ({ kind: 'refused', status: 401, code, fault }) as const

  test.each([
    [
      'refresh_token_reused',
      'the refresh token was already used by another program that shares this sign-in, which Turnout must have for itself; sign in again',
    ],
    ['refresh_token_expired', 'the refresh token has expired; sign in again'],
    ['invalid_grant', 'the token endpoint no longer takes the refresh token, which was revoked or replaced; sign in again'],
  ])('with %s retires the account, and says what to do', async (code, advice) => {
    const world = new World()
    world.tokens.deeds = [refused(code)]
    const process = await Process.begin(world)
    expect(await process.credentials.renew(id)).toBe('failed')
    expect(process.retired).toEqual([{ kind: 'credential', status: 401, code, advice: expect.stringContaining(advice) }])
    expect(process.retired[0]?.advice).toContain('turnout accounts import codex-auth FILE --account main')
  })

  test('of the client says which settings to correct', async () => {
    const world = new World()
    world.tokens.deeds = [refused('invalid_client', 'client')]
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    expect(process.retired[0]?.advice).toBe('the token endpoint refuses the client (invalid_client): correct credential.oauth.client_id or token_url')
  })

  test('is final: nothing is asked again by itself', async () => {
    const world = new World()
    world.tokens.deeds = [refused('invalid_grant')]
    const process = await Process.begin(world, configured({ credential: { ...seed, accessToken: ending(world.clock.now() + hour) } }))
    await process.credentials.renew(id)
    await world.clock.advance(10 * hour)
    expect(world.tokens.wishes).toHaveLength(1)
    expect(process.credentials.lost(id)).toMatchObject({ code: 'invalid_grant' })
  })

  test('is no loss in flight where nothing was sent under a mark that came through late', async () => {
    const world = new World()
    world.tokens.deeds = [refused('invalid_grant')]
    const process = await Process.begin(world, configured(), ['unheard'])
    await process.credentials.renew(id)
    await world.clock.advance(5000)
    expect(process.retired[0]?.advice).not.toContain('lost in flight')
  })

  test('is no loss in flight where every token that was sent had its answer', async () => {
    const world = new World()
    world.tokens.deeds = [unreachable, refused('invalid_grant')]
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    await world.clock.advance(5000)
    expect(process.retired[0]?.advice).not.toContain('lost in flight')
  })
})

describe('killed at a step of a refresh, the account afterwards', () => {
  const steps: readonly (readonly [
    step: string,
    writes: readonly WriteDeed[],
    token: 'serve' | 'dies-before' | 'serve-dies' | 'lose-answer',
    outcome: 'works' | 'lost',
  ])[] = [
    ['before the mark is on disk', ['dies-before'], 'serve', 'works'],
    ['when the mark is on disk and nothing was sent', ['dies-after'], 'serve', 'works'],
    ['when it was sent and did not arrive', [], 'dies-before', 'works'],
    ['when it was exchanged and the answer has not come', [], 'serve-dies', 'lost'],
    ['when the answer has come and is not on disk', ['done', 'dies-before'], 'serve', 'lost'],
    ['when the new token is on disk and was given to nobody', ['done', 'dies-after'], 'serve', 'works'],
  ]
  test.each(steps)('%s: %s', async (_step, writes, token, outcome) => {
    const world = new World()
    world.tokens.deeds = [token]
    const killed = await Process.begin(world, configured(), writes)
    void killed.credentials.renew(id)
    await settled()
    expect(killed.given).toEqual([])
    const again = await Process.begin(world)
    const renewal = await again.credentials.renew(id)
    if (outcome === 'works') {
      expect(renewal).toBe('renewed')
      expect(world.disk.of(id)).toMatchObject({ refreshToken: world.tokens.good, sending: null })
      return
    }
    expect(renewal).toBe('failed')
    expect(again.retired).toEqual([
      {
        kind: 'credential',
        status: 401,
        code: 'refresh_token_reused',
        advice:
          'the rotated token was lost in flight: a refresh was sent at 2026-11-21T00:00:00.000Z, and its answer was never stored; sign in again and import it: turnout accounts import codex-auth FILE --account main',
      },
    ])
  })

  test('has what was stored in the last moment, and presents it at once', async () => {
    const world = new World()
    const killed = await Process.begin(world, configured(), ['done', 'dies-after'])
    void killed.credentials.renew(id)
    await settled()
    expect((await Process.begin(world)).accessToken).toBe('access-1')
  })

  test('waits, where processes share a store, while the dead one might be alive, and then goes on by itself', async () => {
    const world = new World('shared')
    world.tokens.deeds = ['dies-before']
    const killed = await Process.begin(world)
    void killed.credentials.renew(id)
    await settled()
    const again = await Process.begin(world)
    expect(await again.credentials.renew(id)).toBe('failed')
    expect(again.held).toEqual([{ ms: 45_000, why: expect.objectContaining({ advice: expect.stringContaining('another process may be renewing it') }) }])
    await world.clock.advance(45_000)
    expect(again.given).toEqual(['access-1'])
  })
})

test('an answer that is lost on its way, while the process lives, is a loss in flight too', async () => {
  const world = new World()
  world.tokens.deeds = ['lose-answer']
  const process = await Process.begin(world)
  expect(await process.credentials.renew(id)).toBe('failed')
  await world.clock.advance(5000)
  expect(process.retired[0]?.advice).toContain('the rotated token was lost in flight')
})

describe('two processes with one store', () => {
  test('exchange a token once: the other takes over what the first has stored', async () => {
    const world = new World('shared')
    const [one, other] = [await Process.begin(world), await Process.begin(world)]
    expect(await one.credentials.renew(id)).toBe('renewed')
    expect(await other.credentials.renew(id)).toBe('renewed')
    expect(world.tokens.wishes).toHaveLength(1)
    expect(other.given).toEqual(['access-1'])
  })

  test('do not send at the same time: the second waits for the verdict of the first', async () => {
    const world = new World('shared')
    const [one, other] = [await Process.begin(world), await Process.begin(world)]
    world.tokens.deeds = ['dies-before']
    void one.credentials.renew(id)
    await settled()
    expect(await other.credentials.renew(id)).toBe('failed')
    expect(world.tokens.wishes).toHaveLength(1)
  })
})

describe('what is kept', () => {
  test('goes before what the configuration gives, over restarts and reloads', async () => {
    const world = new World()
    const first = await Process.begin(world)
    await first.credentials.renew(id)
    expect(first.credentials.configure([configured()])[0]?.credential).toMatchObject({ accessToken: 'access-1' })
    const second = await Process.begin(world)
    expect(second.accessToken).toBe('access-1')
    expect(second.carried?.account.generation).toBe('g1')
  })

  test('is void once the configuration gives another sign-in', async () => {
    const world = new World()
    await (await Process.begin(world)).credentials.renew(id)
    const other = configured({ account: account('main', { generation: 'g2' }), credential: { ...seed, accessToken: 'access-x' } })
    const process = await Process.begin(world, other)
    expect(process.accessToken).toBe('access-x')
    await process.credentials.renew(id)
    expect(world.disk.of(id)?.seed).toBe('g2')
  })

  test('comes back when the configuration goes back to what it had grown from', async () => {
    const world = new World()
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    process.credentials.configure([configured({ account: account('main', { generation: 'g2' }), credential: { ...seed, accessToken: 'access-x' } })])
    expect(process.credentials.configure([configured()])[0]?.credential).toMatchObject({ accessToken: 'access-1' })
  })

  test('and cannot be opened leaves the account without a credential, and says so', async () => {
    const world = new World()
    world.disk.entries.set(id, { version: 3, json: '' })
    const process = await Process.begin(world)
    expect(process.credentials.unusable()).toEqual([
      { account: id, why: expect.objectContaining({ advice: expect.stringContaining('sealed with another secret key') }) },
    ])
    expect(await process.credentials.renew(id)).toBe('none')
  })
})

describe('an imported sign-in', () => {
  const nothingGiven = configured({ credential: { ...seed, accessToken: '' }, renewing: { ...renewing, refreshToken: null } })
  const signIn = { accessToken: 'access-0', refreshToken: 'refresh-0', accountId: 'acc' }

  test('is what an account without any waits for', async () => {
    const process = await Process.begin(new World(), nothingGiven)
    expect(process.credentials.unusable()).toEqual([
      {
        account: id,
        why: {
          kind: 'credential',
          status: null,
          code: 'no_credential',
          advice: 'it has no credential yet; sign in again and import it: turnout accounts import codex-auth FILE --account main',
        },
      },
    ])
    expect(await process.credentials.import(id, signIn)).toEqual({ kind: 'imported' })
    const carried = process.credentials.configure([nothingGiven])[0]
    expect(carried?.credential).toEqual({ kind: 'oauth', accessToken: 'access-0', accountId: 'acc' })
    expect(process.credentials.unusable()).toEqual([])
    expect(await process.credentials.renew(id)).toBe('renewed')
  })

  test('makes it another account to what was remembered of it, and stays so over a restart', async () => {
    const world = new World()
    const process = await Process.begin(world)
    await process.credentials.import(id, signIn)
    const { generation } = process.credentials.configure([configured()])[0]?.account ?? {}
    expect(generation).toMatch(/^g1\+/)
    expect((await Process.begin(world)).carried?.account.generation).toBe(generation)
  })

  test('ends what was lost before', async () => {
    const world = new World()
    world.tokens.deeds = [{ kind: 'refused', status: 401, code: 'invalid_grant', fault: 'token' }]
    const process = await Process.begin(world)
    await process.credentials.renew(id)
    await process.credentials.import(id, signIn)
    process.credentials.configure([configured()])
    expect(process.credentials.lost(id)).toBeNull()
  })

  test('is nothing for an account that is not there, or whose credential does not renew itself', async () => {
    const process = await Process.begin(new World(), configured({ renewing: null }))
    expect(await process.credentials.import(id, signIn)).toEqual({ kind: 'not-renewable' })
    expect(await process.credentials.import(accountId('stranger'), signIn)).toEqual({ kind: 'unknown' })
  })
})

describe('an end', () => {
  test('waits for a refresh that is under way, so that its token is not lost', async () => {
    const world = new World()
    const process = await Process.begin(world)
    let release = (): void => {}
    const { tokens } = world
    const serve = tokens.refresh.bind(tokens)
    tokens.refresh = (wish) => new Promise((resolve) => (release = () => void serve(wish).then(resolve)))
    void process.credentials.renew(id)
    await settled()
    const finished = process.credentials.finish(10_000)
    release()
    await finished
    expect(world.disk.of(id)?.refreshToken).toBe('refresh-1')
    expect(await process.credentials.renew(id)).toBe('failed')
    expect(world.clock.pending).toBe(0)
  })

  test('does not wait for ever', async () => {
    const world = new World()
    world.tokens.deeds = ['dies-before']
    const process = await Process.begin(world)
    void process.credentials.renew(id)
    await settled()
    const finished = process.credentials.finish(10_000)
    await world.clock.advance(10_000)
    await finished
  })
})
