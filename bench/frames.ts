/* Frames of WebSocket, as far as the load and the fast upstream need them: whole messages, and nothing checked. */

const text = 0x81
const longer = 126
const longest = 127

export const isPing = (opcode: number): boolean => opcode === 9
export const isText = (opcode: number): boolean => opcode === 1

/** A message as a server says it. */
export function serverFrame(payload: Buffer): Buffer {
  return Buffer.concat([head(payload.length, 0), payload])
}

/** A message as a client says it, masked as clients must. */
export function clientFrame(payload: Buffer, mask: Buffer): Buffer {
  const masked = Buffer.from(payload)
  for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] ?? 0) ^ (mask[i & 3] ?? 0)
  return Buffer.concat([head(payload.length, 0x80), mask, masked])
}

export const serverPong = Buffer.from([0x8a, 0])
export const clientPong = Buffer.from([0x8a, 0x80, 1, 2, 3, 4])

/** How long the head of such a message is, its mask included. */
export const clientHeadBytes = (payloadBytes: number): number => head(payloadBytes, 0x80).length + 4

function head(length: number, masked: 0 | 0x80): Buffer {
  if (length < longer) return Buffer.from([text, masked | length])
  if (length < 65_536) return Buffer.from([text, masked | longer, length >> 8, length & 0xff])
  const bytes = Buffer.alloc(10)
  bytes[0] = text
  bytes[1] = masked | longest
  bytes.writeBigUInt64BE(BigInt(length), 2)
  return bytes
}

/** Cuts what comes into frames, and says where in its bytes each payload lies; a mask is left on. */
export class FrameCutter {
  readonly #frame: (opcode: number, bytes: Buffer, start: number, end: number) => void
  #rest: Buffer | null = null

  constructor(frame: (opcode: number, bytes: Buffer, start: number, end: number) => void) {
    this.#frame = frame
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= 2) {
      const second = bytes[at + 1] ?? 0
      const short = second & 0x7f
      const headBytes = 2 + (short === longer ? 2 : short === longest ? 8 : 0) + (second >= 0x80 ? 4 : 0)
      if (bytes.length - at < headBytes) break
      const length = short === longer ? bytes.readUInt16BE(at + 2) : short === longest ? Number(bytes.readBigUInt64BE(at + 2)) : short
      const start = at + headBytes
      if (bytes.length - start < length) break
      this.#frame((bytes[at] ?? 0) & 0x0f, bytes, start, start + length)
      at = start + length
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at)
  }
}
