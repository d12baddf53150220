import { createHmac } from 'node:crypto'

const mark = 'gAAAAAsim1'
const signatureMark = 'Ersim1'
const nonceBytes = 12
const macBytes = 16

const macOf = (key: string, ...parts: readonly (Buffer | string)[]) => {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return mac.digest().subarray(0, macBytes)
}

/** Reasoning that only the key that sealed it can open. `nonce` makes it unlike any other; any text. */
export function seal(key: string, nonce: string, bytes: number): string {
  const salt = saltOf(nonce)
  return mark + padded(salt, macOf(key, salt), bytes)
}

/** Whether this key sealed it. What no simulator sealed, nobody can open. */
export function opens(key: string, sealed: string): boolean {
  const parts = partsOf(mark, sealed)
  return parts !== null && macOf(key, parts.salt).equals(parts.mac)
}

/** Whom Claude's thoughts are signed by: whichever key they were given to, another takes them too. */
const signer = 'claude'

/** The signature of a thought, by which it is known again as what was thought. */
export function sign(thought: string, nonce: string, bytes: number): string {
  const salt = saltOf(nonce)
  return signatureMark + padded(salt, macOf(signer, salt, thought), bytes)
}

/** Whether this thought was given with this signature. */
export function isSigned(thought: string, signature: string): boolean {
  const parts = partsOf(signatureMark, signature)
  return parts !== null && macOf(signer, parts.salt, thought).equals(parts.mac)
}

function saltOf(nonce: string): Buffer {
  const salt = Buffer.alloc(nonceBytes)
  salt.write(nonce.slice(-nonceBytes), 'latin1')
  return salt
}

const padded = (salt: Buffer, mac: Buffer, bytes: number) =>
  Buffer.concat([salt, mac, Buffer.alloc(Math.max(0, bytes - nonceBytes - macBytes), salt)]).toString('base64url')

function partsOf(begins: string, sealed: string): { readonly salt: Buffer; readonly mac: Buffer } | null {
  if (!sealed.startsWith(begins)) return null
  const bytes = Buffer.from(sealed.slice(begins.length), 'base64url')
  if (bytes.length < nonceBytes + macBytes) return null
  return { salt: bytes.subarray(0, nonceBytes), mac: bytes.subarray(nonceBytes, nonceBytes + macBytes) }
}
