import { gunzipSync } from 'node:zlib'
import type { Signal } from '../../src/core/failure.ts'
import type { Headers } from '../../src/lib/headers.ts'
import type { Call, Sent, Transport } from '../../src/ports/transport.ts'
import type { Step } from '../../src/simulator/play.ts'
import type { Scripted } from '../../src/simulator/script.ts'
import { passedHeaders } from '../../src/upstream/headers.ts'
import type { Chance } from './chance.ts'
import type { Landscape } from './landscape.ts'
import { PlayedBody } from './played-body.ts'
import { parsed, type Story, type UpstreamCall } from './story.ts'
import type { Timeline } from './timeline.ts'
import type { Trouble, Upstreams } from './upstreams.ts'

/** Who is told of what happens between the gateway and its upstreams. */
export interface NetworkWatch {
  /** Before anything of it is on its way. */
  sending(story: Story, call: UpstreamCall): void
  /** It has arrived, and is answered with these ids. */
  asked(story: Story, call: UpstreamCall): void
  given(story: Story, call: UpstreamCall): void
  /** The upstream is done with it, however it ended. */
  closed(story: Story, call: UpstreamCall): void
}

export interface NetworkParts {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly upstreams: Upstreams
  readonly watch: NetworkWatch
  readonly landscape: () => Landscape
}

/** The way to the upstreams: connections that fail, heads that come late or never, bodies in pieces. No real I/O. */
export class Network {
  readonly #parts: NetworkParts

  constructor(parts: NetworkParts) {
    this.#parts = parts
  }

  /** What one turn sends over. */
  of(story: Story): Transport {
    return { send: (call) => this.#send(story, call) }
  }

  #send(story: Story, call: Call): Promise<Sent> {
    const { timeline, landscape, watch, upstreams } = this.#parts
    // By the port's promise the reason is an error.
    if (call.signal.aborted) return Promise.reject(call.signal.reason as Error)
    const seat = landscape().seats.get(call.account.id) ?? {
      account: call.account,
      credential: call.credential ?? { kind: 'api_key', apiKey: '' },
      incarnation: 0,
    }
    const text = call.body === null ? '' : Buffer.concat(call.body.pieces).toString('utf8')
    const sent: UpstreamCall = {
      call,
      over: 'http',
      seat,
      account: call.account.id,
      place: '',
      text,
      fields: parsed(text) ?? {},
      sentAtMs: timeline.now(),
      status: null,
      isStream: false,
      faults: [],
      ids: [],
      said: nothing,
      givenBytes: 0,
      frames: [],
      lastFrame: null,
      dialogue: null,
      state: 'sending',
      ended: 'not yet',
    }
    story.calls.push(sent)
    story.note(timeline.now(), 'sent', { account: sent.account, model: sent.fields['model'], tier: sent.fields['service_tier'], bytes: text.length })
    watch.sending(story, sent)
    return new Promise((resolve, reject) => new Exchange(this.#parts, story, sent, { resolve, reject }).start(upstreams.trouble(seat)))
  }
}

const nothing = Buffer.alloc(0)

interface Outcome {
  readonly resolve: (sent: Sent) => void
  readonly reject: (reason: Error) => void
}

/** One request on its way, up to the end of its answer. */
class Exchange {
  readonly #parts: NetworkParts
  readonly #story: Story
  readonly #sent: UpstreamCall
  readonly #outcome: Outcome
  #body: PlayedBody | null = null
  #disarm: () => void = () => {}
  readonly #abort = () => this.#aborted()

  constructor(parts: NetworkParts, story: Story, sent: UpstreamCall, outcome: Outcome) {
    this.#parts = parts
    this.#story = story
    this.#sent = sent
    this.#outcome = outcome
  }

  start(trouble: Trouble | null): void {
    const { call } = this.#sent
    call.signal.addEventListener('abort', this.#abort, { once: true })
    if (trouble === null) return this.#after(this.#latencyMs(), () => this.#arrive())
    if (trouble.why === 'lost') {
      return this.#after(this.#latencyMs(), () => {
        this.#ask()
        this.#after(call.headMs, () => this.#fail({ kind: 'silent', waitingFor: 'head' }))
      })
    }
    const { why, handedOver } = trouble
    this.#after(why === 'connect-timeout' ? call.connectMs : this.#latencyMs(), () => {
      if (handedOver) this.#ask()
      this.#fail({ kind: 'unreachable', why, handedOver, detail: `simulated: ${why}` })
    })
  }

  #latencyMs(): number {
    return this.#parts.chance.is(0.9) ? 1 : this.#parts.chance.below(50)
  }

  #arrive(): void {
    const { call } = this.#sent
    const scripted = this.#ask()
    const { head, headAfterMs, steps } = scripted
    if (head === null) {
      if (steps[0]?.kind === 'hang') return this.#after(call.headMs, () => this.#fail({ kind: 'silent', waitingFor: 'head' }))
      return this.#fail({ kind: 'unreachable', why: 'reset', handedOver: true, detail: 'simulated: reset' })
    }
    if (headAfterMs >= call.headMs) return this.#after(call.headMs, () => this.#fail({ kind: 'silent', waitingFor: 'head' }))
    if (headAfterMs > 0) return this.#after(headAfterMs, () => this.#answer(head, steps))
    this.#answer(head, steps)
  }

  #ask(): Scripted {
    const { call, seat } = this.#sent
    const { timeline, upstreams } = this.#parts
    const path = `/v1${call.path}`
    const { scripted, ids } = upstreams.ask(seat, { method: call.method, path, body: Buffer.from(this.#sent.text), nowMs: timeline.now() })
    this.#sent.ids = ids
    this.#sent.faults = scripted.faults
    this.#sent.dialogue = scripted.dialogue
    this.#parts.watch.asked(this.#story, this.#sent)
    if (scripted.faults.length > 0) this.#story.note(timeline.now(), 'struck by', scripted.faults)
    return scripted
  }

  #answer(head: NonNullable<Scripted['head']>, coded: readonly Step[]): void {
    const { timeline, chance, watch } = this.#parts
    const story = this.#story
    const sent = this.#sent
    const steps = decoded(coded, head.headers['content-encoding'] === 'gzip')
    const pieces = steps.flatMap((step) => (step.kind === 'send' ? [step.bytes] : []))
    sent.status = head.status
    sent.isStream = String(head.headers['content-type']).startsWith('text/event-stream')
    sent.said = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
    sent.state = 'answering'
    story.note(timeline.now(), 'head', head.status)
    const body = new PlayedBody(timeline, chance, steps, {
      given: (bytes) => {
        sent.givenBytes += bytes.length
        story.note(timeline.now(), 'upstream said', bytes.length)
        watch.given(story, sent)
      },
      over: (how) => {
        sent.state = 'over'
        sent.ended = how
        if (how === 'whole' && sent.status === 400 && sent.said.includes('invalid_encrypted_content')) story.sawForeignState = true
        sent.call.signal.removeEventListener('abort', this.#abort)
        story.note(timeline.now(), 'upstream over', how)
      },
      closed: () => watch.closed(story, sent),
    })
    this.#body = body
    const headers = head.headers as Headers
    this.#outcome.resolve({ kind: 'answer', status: head.status, headers, pass: passedHeaders(headers), body })
  }

  #fail(signal: Extract<Signal, { kind: 'unreachable' | 'silent' }>): void {
    this.#over(signal.kind === 'silent' ? 'silent' : signal.handedOver ? 'reset' : 'unsent')
    this.#story.note(this.#parts.timeline.now(), 'no answer', signal)
    this.#outcome.resolve({ kind: 'signal', signal })
  }

  #aborted(): void {
    if (this.#body !== null) return this.#body.tear('the call was called off')
    this.#over('called off')
    this.#story.note(this.#parts.timeline.now(), 'called off')
    this.#outcome.reject(this.#sent.call.signal.reason as Error)
  }

  #over(how: UpstreamCall['ended']): void {
    this.#disarm()
    this.#sent.state = 'over'
    this.#sent.ended = how
    this.#sent.call.signal.removeEventListener('abort', this.#abort)
    this.#parts.watch.closed(this.#story, this.#sent)
  }

  #after(ms: number, then: () => void): void {
    this.#disarm = this.#parts.timeline.after(ms, then)
  }
}

/** The gateway's real transport undoes encodings before the body is read. */
function decoded(steps: readonly Step[], isZipped: boolean): readonly Step[] {
  if (!isZipped) return steps
  const sends = steps.filter((step) => step.kind === 'send')
  if (sends.length === 0) return steps
  const bytes = gunzipSync(Buffer.concat(sends.map((step) => step.bytes)))
  return [{ kind: 'send', waitMs: sends[0]?.waitMs ?? 0, bytes }, ...steps.filter((step) => step.kind !== 'send')]
}
