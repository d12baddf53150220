import { isObject, type JsonObject } from './error.ts'
import type { FaultSpec } from './fault-spec.ts'
import { faultName, faultOf, type Fault } from './fault.ts'

/** How the simulated upstream treats one key, as tests, the configuration and the control endpoint say it. What is left out has its default. */
export interface BehaviourSpec {
  /** Names the account in its answers; the key itself when left out. */
  readonly label?: string
  /** The models that this key may use, and what `GET /models` lists; null: any model. */
  readonly models?: readonly string[] | null
  /** The answer's text; null: a greeting that names the label and what was asked. */
  readonly text?: string | null
  /** In how many deltas a text comes. */
  readonly deltas?: number
  /** The size of each delta; the text is cut or filled up to fit. Null: the text as it is. */
  readonly deltaBytes?: number | null
  /** The size of the text of an answer that is not streamed; null: the same text as streamed. */
  readonly answerBytes?: number | null
  /** Between two deltas; 0: one burst. */
  readonly paceMs?: number
  /** When to reason: when the request asks for it, or always, or never. */
  readonly reasoning?: 'asked' | 'always' | 'never'
  /** The size of sealed reasoning, before its encoding. */
  readonly sealedBytes?: number
  /** The tier that the terminal event says was served; `echo`: the one that was asked for. */
  readonly tier?: string
  /** Appended to the model's name in answers, as in a dated snapshot. */
  readonly snapshot?: string
  /** This usage instead of one that is counted: in the words of the Responses API, and told in each dialect's own. */
  readonly usage?: JsonObject | null
  /**
   * How the Responses API counts the tokens of its input: by the bytes of the body, or by the words of the whole dialogue, as the other dialects always do.
   * By words, what is asked in the same words has the same counts in every dialect.
   */
  readonly count?: 'body' | 'words'
  /** Members that this upstream does not support: 400 `unsupported_parameter`. */
  readonly unsupported?: readonly string[]
  /** Added to the headers of every answer, and of the 101 of a handshake. */
  readonly headers?: { readonly [name: string]: string | readonly string[] }
  readonly faults?: readonly FaultSpec[]
  /** For benchmarks: requests are not looked at, faults and memory are off, and the answer is one prepared beforehand, with a fresh id. WebSocket turns are always streams. */
  readonly fast?: 'off' | 'stream' | 'json'
  /** `refuse`: handshakes are answered 426, as by an upstream that speaks HTTP only. */
  readonly websocket?: 'serve' | 'refuse'
  /** How old a WebSocket connection may become. */
  readonly connectionMs?: number
  /** Which models take `response.steer`. */
  readonly steering?: 'gpt-6' | 'always' | 'never'
}

/** A behaviour with every member set. */
export type Behaviour = Readonly<Required<Omit<BehaviourSpec, 'faults'>>> & { readonly faults: readonly Fault[] }

const defaults: Omit<Behaviour, 'label' | 'faults'> = {
  models: null,
  text: null,
  deltas: 6,
  deltaBytes: null,
  answerBytes: null,
  paceMs: 0,
  reasoning: 'asked',
  sealedBytes: 192,
  tier: 'default',
  snapshot: '',
  usage: null,
  count: 'body',
  unsupported: [],
  headers: {},
  fast: 'off',
  websocket: 'serve',
  connectionMs: 60 * 60_000,
  steering: 'gpt-6',
}

/** @throws TypeError when a fault's name is unknown. */
export function behaviour(spec: BehaviourSpec, key: string): Behaviour {
  return { ...defaults, ...spec, label: spec.label ?? key, faults: (spec.faults ?? []).map(faultOf) }
}

/** What an account of the configuration is to play. */
export interface Part {
  readonly fault: string
  /** Turns that go well before. */
  readonly after: number
  readonly resetsInSeconds: number | null
}

/** How an account plays its part, under the name by which its answers tell of it. @throws TypeError when the fault's name is unknown. */
export function behaviourOf(label: string, { fault, after, resetsInSeconds }: Part): BehaviourSpec {
  const name = faultName(fault)
  if (name === 'none') return { label }
  return { label, faults: [{ fault: name, after, ...(resetsInSeconds === null ? {} : { resetsInSeconds }) }] }
}

type Shape = 'number' | 'count' | 'string' | 'strings' | 'object' | 'headers' | 'anything' | 'faults' | readonly string[]
type Shapes = { readonly [member: string]: { readonly is: Shape; readonly orNull: boolean } }

const must = (is: Shape) => ({ is, orNull: false })
const may = (is: Shape) => ({ is, orNull: true })

const behaviourShapes: Shapes & { readonly [M in keyof BehaviourSpec]-?: unknown } = {
  label: must('string'),
  models: may('strings'),
  text: may('string'),
  deltas: must('count'),
  deltaBytes: may('count'),
  answerBytes: may('count'),
  paceMs: must('number'),
  reasoning: must(['asked', 'always', 'never']),
  sealedBytes: must('count'),
  tier: must('string'),
  snapshot: must('string'),
  usage: may('object'),
  count: must(['body', 'words']),
  unsupported: must('strings'),
  headers: must('headers'),
  faults: must('faults'),
  fast: must(['off', 'stream', 'json']),
  websocket: must(['serve', 'refuse']),
  connectionMs: must('number'),
  steering: must(['gpt-6', 'always', 'never']),
}

const faultShapes: Shapes & { readonly [M in keyof FaultSpec]-?: unknown } = {
  fault: must('string'),
  after: must('count'),
  times: must('count'),
  forMs: must('number'),
  chance: must('number'),
  on: must(['turns', 'every-request']),
  at: must(['turn', 'handshake']),
  models: must('strings'),
  status: must('count'),
  body: must('anything'),
  headers: must('headers'),
  resetsInSeconds: may('number'),
  retryAfterSeconds: may('number'),
  code: may('string'),
  message: must('string'),
  ms: must('number'),
  events: must('count'),
  before: must(['head', 'events', 'output', 'end']),
  shape: must(['nested', 'flat']),
  statusAs: must(['status', 'status_code', 'none']),
  closeCode: must('count'),
  reason: must('string'),
  megabytes: must('number'),
  types: must('strings'),
  location: must('string'),
  chunkBytes: must('count'),
}

/**
 * Reads a behaviour from JSON. Members may be spelt as here or with underscores (`resets_in_seconds`); a fault may be its bare name.
 * @throws TypeError that names the member and what it should be.
 */
export function readBehaviour(value: unknown): BehaviourSpec {
  const spec = readMembers(value, behaviourShapes, 'a behaviour')
  behaviour(spec, '')
  return spec
}

function readMembers(value: unknown, shapes: Shapes, where: string): JsonObject {
  if (!isObject(value)) throw new TypeError(`${where} must be an object`)
  const read: { [member: string]: unknown } = {}
  for (const [spelt, given] of Object.entries(value)) {
    const member = spelt.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const shape = Object.hasOwn(shapes, member) ? shapes[member] : undefined
    if (shape === undefined) throw new TypeError(`${where} has no member "${spelt}"; there are: ${Object.keys(shapes).join(', ')}`)
    read[member] = given === null && shape.orNull ? null : readShape(given, shape.is, member)
  }
  return read
}

function readShape(given: unknown, is: Shape, member: string): unknown {
  if (is === 'faults') {
    if (!Array.isArray(given)) throw new TypeError('"faults" must be a list')
    return given.map((one) => (typeof one === 'string' ? { fault: one } : readMembers(one, faultShapes, 'a fault')))
  }
  if (!fits(given, is)) throw new TypeError(`"${member}" must be ${typeof is === 'string' ? words[is] : `one of ${is.join(', ')}`}`)
  return given
}

const words = {
  number: 'a number that is not negative',
  count: 'a whole number that is not negative',
  string: 'a text',
  strings: 'a list of texts',
  object: 'an object',
  headers: 'an object of texts or lists of texts',
  anything: 'anything',
} as const

function fits(given: unknown, is: Exclude<Shape, 'faults'>): boolean {
  const strings = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === 'string')
  switch (is) {
    case 'number':
      return typeof given === 'number' && Number.isFinite(given) && given >= 0
    case 'count':
      return Number.isSafeInteger(given) && (given as number) >= 0
    case 'string':
      return typeof given === 'string'
    case 'strings':
      return strings(given)
    case 'object':
      return isObject(given)
    case 'headers':
      return isObject(given) && Object.values(given).every((one) => typeof one === 'string' || strings(one))
    case 'anything':
      return true
    default:
      return typeof given === 'string' && is.includes(given)
  }
}
