import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { commandLineAgent } from '../admin/audit.ts'
import { contract, problemShape, type AnswerOf, type Contract } from '../admin/contract.ts'
import { collect } from '../lib/collect.ts'
import { systemClock } from '../lib/clock.ts'
import type { Serving } from '../lib/pid-file.ts'
import { fromProblem, type Question, type ServedDesk, type ServedQuestion, type Told } from './desk.ts'
import type { Place } from './place.ts'
import { failed, type Failed } from './surroundings.ts'

const helloMs = 2_000
/** A test of an account asks its upstream, which may take this long. */
const answerMs = 90_000
const answerBytesMax = 64 * 1024 * 1024

/** Asks the gateway that serves, through its admin API. */
export function openServedDesk(place: Place, serving: Serving): ServedDesk | Failed {
  const token = tokenOf(place)
  if (token === null) {
    return failed(
      1,
      `The gateway at ${serving.url} serves this data, and its admin token is neither in the configuration nor in ${place.places.data}. Say where with --data.`,
    )
  }
  return {
    kind: 'desk',
    ask: (name, question = {}) => ask(serving, token, { name, question }),
    close: async () => undefined,
  }
}

/** Whether something speaks HTTP there. A pid file may outlive its process, and its number be another's by now. */
export async function answersAt(url: string): Promise<'somebody' | 'nobody'> {
  const got = await send({ url: `${url}/healthz`, method: 'GET', headers: {}, ms: helloMs })
  return got.kind === 'refused' ? 'nobody' : 'somebody'
}

function tokenOf({ configuration, places }: Place): string | null {
  if (configuration.admin.token !== null) return configuration.admin.token
  try {
    return readFileSync(join(places.data, 'admin.token'), 'utf8').trim()
  } catch {
    return null
  }
}

async function ask<Name extends ServedQuestion>(
  { url, pid }: Serving,
  token: string,
  { name, question }: { readonly name: Name; readonly question: Question },
): Promise<Told<Name>> {
  const endpoint: Contract = contract[name]
  const path = endpoint.path.replaceAll(/:(\w+)/g, (_, param: string) => encodeURIComponent(question.params?.[param] ?? ''))
  const search = new URLSearchParams(question.query ?? {}).toString()
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': commandLineAgent }
  const body = question.body === undefined ? '' : JSON.stringify(question.body)
  const got = await send({ url: `${url}${path}${search === '' ? '' : `?${search}`}`, method: endpoint.method, headers, body, ms: answerMs })
  if (got.kind !== 'got') return failed(1, `The gateway at ${url} (process ${pid}) does not answer: ${got.why}.`)
  const json = parsedJson(got.text)
  if (got.status === 401 || got.status === 429) {
    return failed(1, `The gateway at ${url} does not take the admin token that this configuration gives. Was it changed without a reload?`)
  }
  const problem = problemShape.safeParse(json)
  if (problem.success) return fromProblem(problem.data.error)
  if (endpoint.answer === null && got.status === 204) return { kind: 'told', body: null as AnswerOf<Name> }
  const answer = endpoint.answer?.safeParse(json)
  if (got.status !== (endpoint.makes === undefined ? 200 : 201) || answer?.success !== true)
    return failed(1, `What answers at ${url} is no Turnout of this version (status ${got.status}). Use the \`turnout\` that serves there.`)
  return { kind: 'told', body: answer.data as AnswerOf<Name> }
}

type Got =
  | { readonly kind: 'got'; readonly status: number; readonly text: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'silent'; readonly why: string }

interface Sending {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** How long the head, and then the body, may take. */
  readonly ms: number
}

function send({ url, method, headers, body = '', ms }: Sending): Promise<Got> {
  if (!URL.canParse(url) || !url.startsWith('http://')) return Promise.resolve({ kind: 'silent', why: 'it is still starting' })
  return new Promise((resolve) => {
    const stop = systemClock.after(ms, () => asking.destroy(new Error(`it said nothing for ${ms / 1000} s`)))
    const asking = request(url, { method, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) }, agent: false }, (response) => {
      stop()
      const source = {
        read: (reader: { chunk(bytes: Buffer): void; end(): void; broken(detail: string): void }) =>
          response
            .on('data', (bytes: Buffer) => reader.chunk(bytes))
            .on('end', () => reader.end())
            .on('error', (error) => reader.broken(error.message)),
        cancel: () => response.destroy(),
      }
      void collect(source, answerBytesMax, systemClock, ms).then((body) =>
        resolve(
          body.kind === 'whole'
            ? { kind: 'got', status: response.statusCode ?? 0, text: body.bytes.toString('utf8') }
            : { kind: 'silent', why: 'its answer broke off, or was too long' },
        ),
      )
    })
    asking.on('error', (error: NodeJS.ErrnoException) => {
      stop()
      resolve({ kind: error.code === 'ECONNREFUSED' ? 'refused' : 'silent', why: error.message })
    })
    asking.end(body)
  })
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
