/** Shorter ones ("none", "x") stand for no secret at all, and would blot out common words. Unit: characters. */
const secretLengthMin = 8

/** The bytes with a mark in the place of this secret; the very same buffer where it is not in them. @param secret in ASCII. */
export function hidden(bytes: Buffer, secret: string): Buffer {
  if (secret.length < secretLengthMin || !bytes.includes(secret, 0, 'latin1')) return bytes
  return Buffer.from(bytes.toString('latin1').replaceAll(secret, '****'), 'latin1')
}
