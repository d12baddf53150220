import type * as z from 'zod'
import { readBody } from '../lib/decode.ts'
import { header } from '../lib/headers.ts'
import type { Visit } from '../ports/routes.ts'
import { problem, type Asked, type Problem } from './answer.ts'
import type { Contract } from './contract.ts'

/** The largest body that is taken. */
export const bodyBytesMax = 1024 * 1024

type Understood = ({ readonly kind: 'asked' } & Asked<unknown, unknown>) | Problem | { readonly kind: 'gone' }

/** Reads a question by the shapes of its endpoint; `gone`: whoever asked left before the end. */
export async function understand(endpoint: Contract, visit: Visit): Promise<Understood> {
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
