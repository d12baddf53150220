import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** Turns secrets into what may be kept and compared instead of them: HMAC-SHA-256 under the installation's own secret. */
export class Hasher {
  readonly #key: KeyObject

  /** @param purpose a key of its own is drawn from the secret for each, so that the same text gives another hash elsewhere. */
  constructor(secret: Buffer, purpose: string) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `turnout ${purpose}`, 32)))
  }

  /** 1.4 us for a key of 64 bytes: no cache would be worth what it holds. */
  hash(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}
