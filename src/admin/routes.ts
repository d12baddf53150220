import type * as z from 'zod'
import { readBody } from '../lib/decode.ts'
import { header } from '../lib/headers.ts'
import type { Log } from '../ports/log.ts'
import type { Route, Visit } from '../ports/routes.ts'
import { accountHandles, type AccountsDoor } from './accounts.ts'
import { problem, problems, type Answer, type Asked, type Handles, type Problem } from './answer.ts'
import { contract, type Contract, type EndpointName } from './contract.ts'
import { openApi } from './openapi.ts'
import { ruleHandles, type RulesDoor } from './rules-handles.ts'
import { statusHandles, type StatusDoor } from './status.ts'
import { turnHandles, type TurnsDoor } from './turns.ts'

/** What the admin API needs of the gateway. */
export interface AdminDoor extends StatusDoor, AccountsDoor, TurnsDoor, RulesDoor {
  readonly log: Log
}

/** The largest body that is taken. */
export const bodyBytesMax = 1024 * 1024

/** The admin API: one row for each endpoint of the contract, and the document that describes them. */
export function adminRoutes(door: AdminDoor): readonly Route[] {
  const handles: Handles<EndpointName> = { ...statusHandles(door), ...accountHandles(door), ...turnHandles(door), ...ruleHandles(door) }
  const names = Object.keys(contract) as EndpointName[]
  return [
    ...names.map((name): Route => {
      // The contract ties each handle to the shapes that its question is read with; over all of them together the compiler cannot see it.
      const handle = handles[name] as (asked: Asked<unknown, unknown>) => Promise<Answer<unknown>>
      const endpoint: Contract = contract[name]
      return { method: endpoint.method, path: endpoint.path, guard: 'admin', handle: (visit) => serve({ door, name, endpoint, handle }, visit) }
    }),
    { method: 'GET', path: '/openapi.json', guard: 'open', handle: async ({ response }) => write(response, 200, openApi()) },
  ]
}

interface Served {
  readonly door: AdminDoor
  readonly name: EndpointName
  readonly endpoint: Contract
  readonly handle: (asked: Asked<unknown, unknown>) => Promise<Answer<unknown>>
}

async function serve({ door, name, endpoint, handle }: Served, visit: Visit): Promise<void> {
  const asked = await understand(endpoint, visit)
  if (asked.kind === 'gone') return
  const said = asked.kind === 'problem' ? asked : await handle(asked)
  if (said.kind === 'problem') {
    const { code, message, param } = said
    write(visit.response, problems[code], { error: { code, message, param } })
    return
  }
  if (endpoint.effect !== 'none') door.log.info({ change: name, ...visit.params, request: visit.requestId }, 'the operator changed something')
  if (said.etag !== null) visit.response.setHeader('etag', said.etag)
  if (endpoint.answer === null) visit.response.writeHead(204, { 'cache-control': 'no-store' }).end()
  else write(visit.response, 200, said.body)
}

type Understood = ({ readonly kind: 'asked' } & Asked<unknown, unknown>) | Problem | { readonly kind: 'gone' }

async function understand(endpoint: Contract, visit: Visit): Promise<Understood> {
  const query = readQuery(endpoint, visit.url.searchParams)
  if (query.kind === 'problem') return query
  const ifMatch = header(visit.request.headers, 'if-match')
  if (endpoint.effect === 'guarded change' && ifMatch === null)
    return problem('precondition_required', 'Send the ETag of what you have read as if-match, so that nobody overwrites what another has changed.', 'if-match')
  const body = endpoint.body === null ? { kind: 'read' as const, value: null } : await receive(endpoint.body, visit)
  return body.kind === 'read' ? { kind: 'asked', params: visit.params, query: query.value, body: body.value, ifMatch } : body
}

type Read = { readonly kind: 'read'; readonly value: unknown }

function readQuery({ query }: Contract, said: URLSearchParams): Read | Problem {
  const [stranger] = query === null ? said.keys() : []
  if (stranger !== undefined) return problem('invalid_query', 'This endpoint takes no parameters.', shortened(stranger))
  if (query === null) return { kind: 'read', value: null }
  const names = [...said.keys()]
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) return problem('invalid_query', `The parameter '${shortened(twice)}' stands twice.`, shortened(twice))
  return parse(query, Object.fromEntries(said), 'invalid_query')
}

async function receive(shape: z.ZodType, { request }: Visit): Promise<Read | Problem | { readonly kind: 'gone' }> {
  const length = header(request.headers, 'content-length')
  const read = await readBody(request, {
    encoding: header(request.headers, 'content-encoding'),
    bytesMax: bodyBytesMax,
    expectedBytes: length === null ? null : Number(length),
  })
  switch (read.kind) {
    case 'read':
      return parseBody(shape, read.bytes)
    case 'aborted':
      return { kind: 'gone' }
    case 'bad-encoding':
    case 'corrupt':
      request.resume()
      return problem('unsupported_encoding', 'The body is not in the content-encoding that it names: gzip, br, zstd, deflate or none.', 'content-encoding')
    case 'too-large':
    case 'no-room':
      request.resume()
      return problem('body_too_large', `The body is larger than ${bodyBytesMax} bytes.`)
  }
}

function parseBody(shape: z.ZodType, bytes: Buffer): Read | Problem {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return problem('invalid_json', bytes.length === 0 ? 'The body is empty; a JSON object is expected.' : 'The body is not valid JSON.')
  }
  return parse(shape, json, 'invalid_body')
}

/** What is wrong is said of the first thing that is wrong, by its name. */
export function parse(shape: z.ZodType, value: unknown, code: 'invalid_query' | 'invalid_body'): Read | Problem {
  const parsed = shape.safeParse(value)
  if (parsed.success) return { kind: 'read', value: parsed.data }
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') {
    const stranger = shortened(issue.keys[0] ?? '')
    const known = 'shape' in shape && typeof shape.shape === 'object' && shape.shape !== null ? Object.keys(shape.shape) : []
    return problem(code, `'${stranger}' is not known here; there are ${known.join(', ')}.`, stranger)
  }
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.')
  const expected = issue?.path.length === 0 ? 'expected a JSON object' : (issue?.message ?? 'expected something else')
  return problem(code, param === null ? `The body is wrong: ${expected}.` : `'${param}' is wrong: ${expected}.`, param)
}

function shortened(text: string): string {
  return text.slice(0, 64)
}

function write(response: Visit['response'], status: number, value: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, 'cache-control': 'no-store' })
  response.end(bytes)
}
