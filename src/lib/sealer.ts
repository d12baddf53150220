import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const format = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/

/** One key of an installation, drawn for sealing alone, and the name by which what it sealed tells so. */
interface Key {
  readonly id: string
  readonly bytes: Buffer
}

/**
 * Seals secrets for rest: AES-256-GCM under a key drawn from the installation's own secret. Several secrets may be known while they are being
 * exchanged: the first one seals, each of them opens.
 */
export class Sealer {
  readonly #keys: readonly Key[]

  /** @param secrets at least one, the newest first. */
  constructor(secrets: readonly Buffer[]) {
    this.#keys = secrets.map(keyOf)
  }

  /** @param place what the seal is for: opened for another place, it is refused, so that no seal can be moved. */
  seal(text: string, place: string): string {
    const [key] = this.#keys
    if (key === undefined) throw new RangeError('a sealer has at least one key')
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(place))
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `v1.${key.id}.${sealed.toString('base64url')}`
  }

  /** Null: none of the keys sealed it, or it was changed, or moved from another place. */
  open(sealed: string, place: string): string | null {
    const [, id, text] = format.exec(sealed) ?? []
    const key = this.#keys.find((one) => one.id === id)
    if (key === undefined || text === undefined) return null
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length < nonceBytes + tagBytes) return null
    const tagAt = bytes.length - tagBytes
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(tagAt))
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, tagAt)), decipher.final()]).toString('utf8')
    } catch {
      return null
    }
  }

  /** Whether the newest key sealed it. */
  isNewest(sealed: string): boolean {
    return format.exec(sealed)?.[1] === this.#keys[0]?.id
  }
}

function keyOf(secret: Buffer): Key {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'turnout seal', keyBytes))
  return { id: hash('sha256', bytes, 'hex').slice(0, 8), bytes }
}
