import type { Account, Credential } from '../core/account.ts'
import type { Clock } from '../lib/clock.ts'
import { collect } from '../lib/collect.ts'
import type { Call, Transport } from '../ports/transport.ts'
import { endpoints, ourHeaders } from './endpoints.ts'

export const listBytesMax = 4 * 1024 * 1024
const listMs = 10_000
/** A list is trusted no further than this; names are at most as long as a client may send one. */
const namesMax = 10_000
const nameBytesMax = 256

interface ListParts {
  readonly transport: Transport
  readonly clock: Clock
}

/** How long a list of models may take in all. Unit: milliseconds. */
const wholeMs = 70_000

/** What an account lists, bounded in time; null where it does not say. Never rejects. */
export async function listAccount(parts: ListParts, account: Account, credential: Credential): Promise<readonly string[] | null> {
  const signal = AbortSignal.timeout(wholeMs)
  try {
    return await listModels(parts, account, credential, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    return null
  }
}

/** A request of our own for a list of models. */
export function modelsCall(account: Account, credential: Credential, signal: AbortSignal): Call {
  const said = { clientHeaders: ourHeaders(account, 'application/json'), omit: [], body: null }
  return { account, credential, method: 'GET', path: endpoints[account.upstream].modelsPath, ...said, connectMs: listMs, headMs: listMs, signal }
}

/** The names that an upstream says it serves; null where it has no such list, or did not give it in 10 s and 4 MiB. Rejects only with the signal's reason. */
export async function listModels(parts: ListParts, account: Account, credential: Credential, signal: AbortSignal): Promise<readonly string[] | null> {
  const sent = await parts.transport.send(modelsCall(account, credential, signal))
  if (sent.kind === 'signal') return null
  if (sent.status !== 200) {
    sent.body.cancel()
    return null
  }
  const collected = await collect(sent.body, listBytesMax, parts.clock, listMs)
  signal.throwIfAborted()
  return collected.kind === 'whole' ? modelNames(collected.bytes) : null
}

/** The names in `{"data":[{"id":…}]}`, or in `{"models":[{"slug":…}]}` (protocols.md 3.1), each once; null where the bytes are no such list. */
export function modelNames(bytes: Buffer): readonly string[] | null {
  const json = parsed(bytes)
  const list = member(json, 'data') ?? member(json, 'models')
  if (!Array.isArray(list)) return null
  const named = list.map((row) => member(row, 'id') ?? member(row, 'slug'))
  const names = named.filter((id) => typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= nameBytesMax)
  return [...new Set(names as string[])].slice(0, namesMax)
}

export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
}

export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}
