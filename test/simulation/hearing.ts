import { secretMark } from './landscape.ts'
import { parsed, terminalIn, type Story, type UpstreamCall } from './story.ts'
import type { SimulatedClient } from './client.ts'
import { secretOf } from './upstreams.ts'
import type { Verdicts } from './verdicts.ts'

/** What a client must hear of one upstream's answer. */
interface Expected {
  readonly bytes: Buffer
  /** Where its last event begins; null: it has none. */
  readonly terminalAt: number | null
  /** The last event may be put together anew: it came without its output. */
  readonly isRebuilt: boolean
}

/** How far a client is. */
interface Progress {
  of: UpstreamCall | null
  expected: Expected | null
  at: number
  /** Events that end a stream: the upstream's, and ours. */
  terminals: number
  ours: number
}

const keepAlives = [Buffer.from(': keep-alive\n\n'), Buffer.from('event: keepalive\ndata: {"type":"keepalive"}\n\n')] as const
const heldBytesMax = 4 * 1024 * 1024

/** What a client may be told. Each law is a function of its name; all are asked at every byte. */
export class HearingLaws {
  readonly #verdicts: Verdicts
  readonly #progress = new WeakMap<Story, Progress>()
  readonly #outputEnds = new WeakMap<UpstreamCall, number>()
  /** Turns whose upstream has given output that the client has not been given yet. */
  readonly #due = new Map<Story, SimulatedClient>()

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
  }

  head(story: Story, client: SimulatedClient): void {
    this.#verdicts.check(
      'headComesOnceAndFirst',
      client.status === null && client.bytes === 0 && client.state === 'open',
      story,
      () => 'a second head, or one after bytes',
    )
  }

  wrote(story: Story, client: SimulatedClient, bytes: Buffer): void {
    this.#verdicts.check('headComesOnceAndFirst', client.status !== null, story, () => 'bytes before the head')
    this.#verdicts.check('nothingFollowsTheEnd', client.state === 'open', story, () => `${bytes.length} bytes after the answer had ended`)
    this.answerHoldsOneAttempt(story, client, bytes)
  }

  ended(story: Story, client: SimulatedClient, how: 'cleanly' | 'cut'): void {
    this.#verdicts.check('nothingFollowsTheEnd', client.state === 'open' || client.state === 'gone', story, () => 'a second end')
    if (client.state === 'gone') return
    this.streamEndsWithOneTerminal(story, client, how)
    this.wholeAnswerIsWhole(story, client, how)
    this.noSecretIsSaid(story, client)
  }

  /** The upstream has said more. */
  given(story: Story, client: SimulatedClient, call: UpstreamCall): void {
    this.heldBytesAreBounded(story, client, call)
    if (story.outputBytes === 0 && call.isStream && !call.faults.includes('giant') && call.givenBytes >= this.#firstOutputEnd(call))
      this.#due.set(story, client)
  }

  /** After every event: the commit point is the first event of output, and what was waited for is not held any longer. */
  outputIsGivenAtOnce(): void {
    for (const [story, client] of this.#due) {
      const isWaiting = !story.isOpenCommitted || client.isFull
      const isMoot = story.outputBytes > 0 || story.outcome !== null || story.isStuck || story.cancelledBy !== null || client.state !== 'open'
      if (!isMoot && isWaiting) continue
      this.#due.delete(story)
      this.#verdicts.check('outputIsGivenAtOnce', isMoot, story, () => 'the upstream has given output, and the client still waits for it')
    }
  }

  /** Invariant 3: byte for byte what the last attempt's upstream said, but for the model's name, keep-alives, and an end of ours. */
  answerHoldsOneAttempt(story: Story, client: SimulatedClient, bytes: Buffer): void {
    const progress = this.#of(story)
    const { expected } = progress
    if (expected !== null && continues(expected.bytes, progress.at, bytes)) {
      return this.#gaveOutput(story, client, progress, expected, bytes.length)
    }
    if (isStream(client) && keepAlives.some((one) => one.equals(bytes))) return
    // An error whose body broke off is told without one.
    if (bytes.length === 0 && client.status !== null && client.status >= 400) return
    if (isOurs(client, bytes)) {
      progress.ours++
      return
    }
    if (expected?.isRebuilt === true && progress.at === expected.terminalAt)
      return this.#gaveOutput(story, client, progress, expected, expected.bytes.length - progress.at)
    this.#verdicts.check('answerHoldsOneAttempt', false, story, () => {
      const due = expected?.bytes.toString('utf8', progress.at, progress.at + 300)
      return `the client was told ${JSON.stringify(bytes.toString('utf8', 0, 300))}\n  where the upstream said ${JSON.stringify(due)}`
    })
  }

  /** Design 10: the open is on disk before the commit point. */
  openPrecedesOutput(story: Story, client: SimulatedClient): void {
    if (client.status === 200) this.#verdicts.check('openPrecedesOutput', story.isOpenCommitted, story, () => 'output before the turn was on the books')
  }

  /** Invariant 12: whoever sees the end of an answer finds its record on disk, at that very byte. */
  recordPrecedesTheEnd(story: Story): void {
    this.#verdicts.check('recordPrecedesTheEnd', story.isSettleCommitted, story, () => 'the end was told before the record was committed')
  }

  streamEndsWithOneTerminal(story: Story, client: SimulatedClient, how: 'cleanly' | 'cut'): void {
    if (!isStream(client)) return
    const { terminals, ours } = this.#of(story)
    this.#verdicts.check('streamEndsWithOneTerminal', terminals + ours === 1, story, () => `${terminals} terminal events of the upstream, ${ours} of ours`)
    this.#verdicts.check(
      'streamEndsWithOneTerminal',
      (how === 'cleanly') === (terminals === 1),
      story,
      () => `the stream ended ${how}, with ${terminals} terminal events of the upstream`,
    )
  }

  wholeAnswerIsWhole(story: Story, client: SimulatedClient, how: 'cleanly' | 'cut'): void {
    if (isStream(client)) return
    const length = client.header('content-length')
    const fits = length === null || Number(length) === client.bytes
    this.#verdicts.check(
      'wholeAnswerIsWhole',
      how === 'cleanly' && client.status !== null && fits,
      story,
      () => `ended ${how} after ${client.bytes} of ${length} bytes`,
    )
    const { expected, at } = this.#of(story)
    if (client.status === 200)
      this.#verdicts.check('wholeAnswerIsWhole', expected !== null && at === expected.bytes.length, story, () => `only ${at} bytes of the upstream's answer`)
  }

  /** Invariant 8: what upstream sent and the client has not taken is bounded, and a full client stops the upstream. */
  heldBytesAreBounded(story: Story, client: SimulatedClient, call: UpstreamCall): void {
    const last = call.givenBytes
    const { at } = this.#of(story)
    const bound = heldBytesMax + story.landscape.settings.bounds.frameBytes + 64 * 1024
    if (call.isStream) this.#verdicts.check('heldBytesAreBounded', last - at <= bound, story, () => `${last - at} bytes are held`)
    if (!client.isFull || story.cancelledBy !== null) return
    const ended = terminalIn(call.said.toString('utf8', 0, last))?.isWhole === true
    this.#verdicts.check('heldBytesAreBounded', ended, story, () => 'the upstream goes on although the client takes no more')
  }

  /** Invariant 10, for the client. */
  noSecretIsSaid(story: Story, client: SimulatedClient): void {
    this.#verdicts.check('noSecretIsSaid', !client.text.includes(secretMark), story, () => client.text)
  }

  /** Whether the client has seen the upstream's last event. */
  sawTerminal(story: Story): boolean {
    return this.#of(story).terminals > 0
  }

  #firstOutputEnd(call: UpstreamCall): number {
    const known = this.#outputEnds.get(call)
    if (known !== undefined) return known
    const end = firstOutputEnd(call)
    this.#outputEnds.set(call, end)
    return end
  }

  #gaveOutput(story: Story, client: SimulatedClient, progress: Progress, expected: Expected, length: number): void {
    this.#verdicts.check('answerHoldsOneAttempt', true, story, () => '')
    if (story.outputBytes === 0) this.openPrecedesOutput(story, client)
    story.outputBytes += length
    progress.at += length
    if (isStream(client)) {
      if (expected.terminalAt === null || progress.at <= expected.terminalAt || progress.terminals > 0) return
      progress.terminals++
      return this.recordPrecedesTheEnd(story)
    }
    if (client.status === 200) this.recordPrecedesTheEnd(story)
  }

  #of(story: Story): Progress {
    let progress = this.#progress.get(story)
    if (progress === undefined) this.#progress.set(story, (progress = { of: null, expected: null, at: 0, terminals: 0, ours: 0 }))
    const { last } = story
    if (progress.of !== last && last !== null && last.status !== null && progress.at === 0) {
      progress.of = last
      progress.expected = expectedOf(story, last)
    }
    return progress
  }
}

function continues(whole: Buffer, at: number, bytes: Buffer): boolean {
  const end = at + bytes.length
  return bytes.length > 0 && end <= whole.length && whole.compare(bytes, 0, bytes.length, at, end) === 0
}

function isStream(client: SimulatedClient): boolean {
  return client.status === 200 && client.header('content-type')?.startsWith('text/event-stream') === true
}

/**
 * The model is called as the client called it, where mapping changed its name, and nowhere else than in the answer's own object. A credential
 * that an error repeats is blotted out.
 */
function expectedOf(story: Story, call: UpstreamCall): Expected {
  const asked = String(story.fields['model'])
  const model = String(call.fields['model'])
  const isAnswer = call.status !== null && call.status >= 200 && call.status < 300
  const said = call.said.toString('latin1')
  const text = !isAnswer
    ? said.replaceAll(secretOf(call.seat), '****')
    : asked === model
      ? said
      : said.replaceAll(/"model":"[^"]*"/g, `"model":${JSON.stringify(asked)}`)
  return {
    bytes: text === said ? call.said : Buffer.from(text, 'latin1'),
    terminalAt: call.isStream ? (terminalIn(text)?.at ?? null) : null,
    isRebuilt: call.faults.includes('empty-output'),
  }
}

const outputEvent = /(?:^|\n\n)event: (?:response\.(?!created|queued|in_progress|metadata)\w+|error)/

/** How much must be given before the first event of output is whole; for ever where something else than output comes first. */
function firstOutputEnd({ said }: UpstreamCall): number {
  const text = said.toString('latin1')
  const found = outputEvent.exec(text)
  if (found === null || terminalIn(text)?.at === found.index + (found.index === 0 ? 0 : 2)) return Infinity
  const end = text.indexOf('\n\n', found.index + 2)
  return end === -1 ? Infinity : end + 2
}

/** An error that the gateway itself tells: in a stream the event that is followed by the connection's end, else a JSON body. */
function isOurs(client: SimulatedClient, bytes: Buffer): boolean {
  const text = bytes.toString('utf8')
  if (!isStream(client)) return client.status !== null && client.status >= 400 && typeof parsed(text)?.['error'] === 'object'
  if (!text.startsWith('event: response.failed\ndata: ')) return false
  const response = parsed(text.slice(text.indexOf('data: ') + 6))?.['response']
  return typeof response === 'object' && response !== null && 'usage' in response && !('created_at' in response)
}
