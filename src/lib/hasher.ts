import { hash, hkdfSync } from 'node:crypto'

/** Bytes of one block of SHA-256. */
const blockBytes = 64
const digestBytes = 32

/**
 * Turns secrets into what may be kept and compared instead of them: HMAC-SHA-256 under the installation's own secret.
 *
 * Made of two whole hashes, as RFC 2104 defines it: the object of `createHmac` costs more than the hashing, and each request needs one.
 */
export class Hasher {
  readonly #inner: Buffer
  readonly #outer: Buffer

  /** @param purpose a key of its own is drawn from the secret for each, so that the same text gives another hash elsewhere. */
  constructor(secret: Buffer, purpose: string) {
    const key = Buffer.from(hkdfSync('sha256', secret, '', `turnout ${purpose}`, digestBytes))
    this.#inner = Buffer.alloc(blockBytes, 0x36)
    this.#outer = Buffer.alloc(blockBytes + digestBytes, 0x5c)
    key.forEach((byte, at) => {
      this.#inner[at] = 0x36 ^ byte
      this.#outer[at] = 0x5c ^ byte
    })
  }

  hash(text: string): Buffer {
    return Buffer.from(this.latin1(text), 'latin1')
  }

  /** The same, each byte as a character: what a map takes for its key, and nothing outside V8's heap. */
  latin1(text: string): string {
    this.#outer.write(hash('sha256', Buffer.concat([this.#inner, Buffer.from(text)]), 'binary'), blockBytes, 'binary')
    return hash('sha256', this.#outer, 'binary')
  }
}
