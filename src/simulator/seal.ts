import { createHmac } from 'node:crypto'

const mark = 'gAAAAAsim1'
const nonceBytes = 12
const macBytes = 16

const macOf = (key: string, nonce: Buffer) => createHmac('sha256', key).update(nonce).digest().subarray(0, macBytes)

/** Reasoning that only the key that sealed it can open. `nonce` makes it unlike any other; any text. */
export function seal(key: string, nonce: string, bytes: number): string {
  const salt = Buffer.alloc(nonceBytes)
  salt.write(nonce.slice(-nonceBytes), 'latin1')
  return mark + Buffer.concat([salt, macOf(key, salt), Buffer.alloc(Math.max(0, bytes - nonceBytes - macBytes), salt)]).toString('base64url')
}

/** Whether this key sealed it. What no simulator sealed, nobody can open. */
export function opens(key: string, sealed: string): boolean {
  if (!sealed.startsWith(mark)) return false
  const bytes = Buffer.from(sealed.slice(mark.length), 'base64url')
  if (bytes.length < nonceBytes + macBytes) return false
  return macOf(key, bytes.subarray(0, nonceBytes)).equals(bytes.subarray(nonceBytes, nonceBytes + macBytes))
}
