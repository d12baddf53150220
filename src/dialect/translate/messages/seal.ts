import { isObject, type Json } from '../../json.ts'

/**
 * Reasoning that only who made it can read comes back with the dialogue, and the client knows but its own dialect's member for it. So it travels
 * in that member with a mark of ours before it, and whoever did not make it never gets it: the other services refuse what they did not seal.
 */
const ofClaude = 'turnout.claude.'
const ofHub = 'turnout.responses.'

/**
 * A thinking block as a reasoning item's `encrypted_content`: its text goes along, because the signature holds for that very text. Null: nothing is
 * sealed in it.
 */
export function sealOfBlock(block: Json): string | null {
  if (block['type'] === 'redacted_thinking') return typeof block['data'] === 'string' ? marked({ data: block['data'] }) : null
  const { signature, thinking } = block
  return typeof signature === 'string' && signature !== '' && typeof thinking === 'string' ? marked({ thinking, signature }) : null
}

function marked(sealed: Json): string {
  return ofClaude + Buffer.from(JSON.stringify(sealed)).toString('base64url')
}

/** The block that was sealed so. Null: another service sealed it, or nobody. */
export function blockOfSeal(seal: unknown): Json | null {
  const sealed = typeof seal === 'string' && seal.startsWith(ofClaude) ? parsed(seal.slice(ofClaude.length)) : null
  if (sealed === null) return null
  const { data, thinking, signature } = sealed
  if (typeof data === 'string') return { type: 'redacted_thinking', data }
  return typeof thinking === 'string' && typeof signature === 'string' ? { type: 'thinking', thinking, signature } : null
}

function parsed(base64: string): Json | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64url').toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** A reasoning item's `encrypted_content` as the signature of a thinking block; empty where there is none. */
export function signatureOf(encrypted: unknown): string {
  return typeof encrypted === 'string' && encrypted !== '' ? ofHub + encrypted : ''
}

/** The reasoning item's own. Null: the signature is Claude's, or nobody's. */
export function encryptedOf(signature: unknown): string | null {
  return typeof signature === 'string' && signature.startsWith(ofHub) ? signature.slice(ofHub.length) : null
}
