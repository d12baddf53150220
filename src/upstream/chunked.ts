/** What the next byte belongs to, where it is not data. */
type Frame = 'size' | 'extension' | 'size-end' | 'data-return' | 'data-end' | 'trailer-line' | 'trailer-name' | 'trailer' | 'trailer-end' | 'last-end'
type Part = Frame | 'data' | 'over' | 'malformed'

/** Extensions of one chunk and all trailers together; both are dropped. Unit: bytes. */
const besideMax = 16 * 1024
/** So many digits hold every size that a number can. */
const digitsMax = 12

const carriageReturn = 0x0d
const lineFeed = 0x0a
const semicolon = 0x3b
const colon = 0x3a
const nameBytes: ReadonlySet<number> = new Set(Buffer.from("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))

/** Takes the framing out of a chunked body, which may come cut anywhere (RFC 9112 7.1). */
export class Chunked {
  /** Where the data of what was last taken stands. */
  start = 0
  end = 0
  /** The first byte that was not taken: it belongs to what follows the body. */
  next = 0
  #part: Part = 'size'
  #left = 0
  #digits = 0
  #beside = 0

  get isOver(): boolean {
    return this.#part === 'over'
  }

  get isMalformed(): boolean {
    return this.#part === 'malformed'
  }

  /** Takes bytes from `from` on. The data of all chunks is moved together inside `bytes`, so that each read is handed on as one piece. */
  take(bytes: Buffer, from: number): void {
    let at = from
    this.start = this.end = from
    while (at < bytes.length) {
      const part = this.#part
      if (part === 'over' || part === 'malformed') break
      if (part === 'data') at = this.#move(bytes, at)
      else this.#part = this.#step(part, bytes[at++] ?? 0)
    }
    this.next = at
  }

  #move(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left)
    if (this.start === this.end) this.start = this.end = at
    else bytes.copyWithin(this.end, at, end)
    this.end += end - at
    this.#left -= end - at
    if (this.#left === 0) this.#part = 'data-return'
    return end
  }

  #step(part: Frame, byte: number): Part {
    switch (part) {
      case 'size':
        return this.#size(byte)
      case 'extension':
        return byte === carriageReturn ? 'size-end' : this.#skip(byte, 'extension')
      case 'size-end':
        return byte === lineFeed ? this.#sized() : 'malformed'
      case 'data-return':
        return byte === carriageReturn ? 'data-end' : 'malformed'
      case 'data-end':
        return byte === lineFeed ? 'size' : 'malformed'
      case 'trailer-line':
        return byte === carriageReturn ? 'last-end' : this.#name(byte)
      case 'trailer-name':
        return byte === colon ? 'trailer' : this.#name(byte)
      case 'trailer':
        return byte === carriageReturn ? 'trailer-end' : this.#skip(byte, 'trailer')
      case 'trailer-end':
        return byte === lineFeed ? 'trailer-line' : 'malformed'
      case 'last-end':
        return byte === lineFeed ? 'over' : 'malformed'
    }
  }

  #size(byte: number): Part {
    const digit = hexDigit(byte)
    if (digit !== -1) {
      this.#left = this.#left * 16 + digit
      return ++this.#digits > digitsMax ? 'malformed' : 'size'
    }
    if (this.#digits === 0) return 'malformed'
    this.#digits = 0
    this.#beside = 0
    if (byte === carriageReturn) return 'size-end'
    return byte === semicolon ? 'extension' : 'malformed'
  }

  #sized(): Part {
    return this.#left === 0 ? 'trailer-line' : 'data'
  }

  #name(byte: number): Part {
    return nameBytes.has(byte) ? this.#skip(byte, 'trailer-name') : 'malformed'
  }

  #skip(byte: number, part: Part): Part {
    const isText = byte === 0x09 || (byte >= 0x20 && byte !== 0x7f)
    return isText && ++this.#beside <= besideMax ? part : 'malformed'
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
