import { randomFillSync } from 'node:crypto'
import type { Pieces } from './body.ts'
import type { Take } from './outgoing.ts'

/*
 * Text messages as WebSocket frames, each whole (RFC 6455 5.2). `ws` hands every frame to its socket in two parts; what is said in one tick costs far less as one
 * part, and a mask laid over four bytes at a time a quarter.
 */

const wholeText = 0x81
const masked = 0x80
/** Lengths up to here stand in the second byte itself; longer ones in the two or eight behind it. */
const shortMax = 125
const mediumMax = 0xffff
const maskBytes = 4
/** Larger than this, a payload is not copied next to its header. */
const joinedBytesMax = 64 * 1024

/** What a server says: unmasked. To be written one after another; small texts share one buffer. */
export function textFrames(texts: readonly Buffer[], take: Take): readonly Buffer[] {
  const parts: Buffer[] = []
  let from = 0
  let bytes = 0
  for (let nth = 0; nth < texts.length; nth++) {
    const text = texts[nth]
    if (text === undefined) continue
    const length = headerBytes(text.length) + text.length
    if (bytes > 0 && bytes + length > joinedBytesMax) {
      parts.push(joined(texts, from, nth, take(bytes)))
      from = nth
      bytes = 0
    }
    if (length > joinedBytesMax) {
      const header = take(headerBytes(text.length))
      writeHeader(header, 0, text.length, 0)
      parts.push(header, text)
      from = nth + 1
    } else bytes += length
  }
  if (bytes > 0) parts.push(joined(texts, from, texts.length, take(bytes)))
  return parts
}

function joined(texts: readonly Buffer[], from: number, to: number, frames: Buffer): Buffer {
  let at = 0
  for (let nth = from; nth < to; nth++) {
    const text = texts[nth]
    if (text === undefined) continue
    at = writeHeader(frames, at, text.length, 0)
    at += text.copy(frames, at)
  }
  return frames
}

/** What a client says: masked with four bytes that nobody can foresee. One buffer: the text's own bytes stay as they are. */
export function maskedTextFrame({ pieces, bytes }: Pieces, take: Take): Buffer {
  const header = headerBytes(bytes) + maskBytes
  // The payload begins where a word does, and ends in one that is its own.
  const frame = take(Math.ceil((header + bytes) / 4) * 4 + 4)
  const start = (4 - (header % 4)) % 4
  let at = writeHeader(frame, start, bytes, masked)
  const mask = nextMask()
  at += mask.copy(frame, at)
  const payload = at
  for (const piece of pieces) at += piece.copy(frame, at)
  layMask(frame, payload, at, mask)
  return frame.subarray(start, at)
}

/** Over whole words; what is behind the last byte is nobody's. */
function layMask(frame: Buffer, from: number, to: number, mask: Buffer): void {
  const words = new Int32Array(frame.buffer, frame.byteOffset + from, Math.ceil((to - from) / 4))
  const [key = 0] = new Int32Array(Uint8Array.from(mask).buffer)
  for (let nth = 0; nth < words.length; nth++) words[nth] = (words[nth] ?? 0) ^ key
}

const maskPool = Buffer.alloc(8192)
let maskAt = maskPool.length

/** Random bytes are drawn by the thousand: each call costs as much as a small frame. */
function nextMask(): Buffer {
  if (maskAt === maskPool.length) {
    randomFillSync(maskPool)
    maskAt = 0
  }
  maskAt += maskBytes
  return maskPool.subarray(maskAt - maskBytes, maskAt)
}

function headerBytes(length: number): number {
  return length <= shortMax ? 2 : length <= mediumMax ? 4 : 10
}

/** Where the header ends. */
function writeHeader(frame: Buffer, at: number, length: number, mask: number): number {
  frame[at] = wholeText
  if (length <= shortMax) {
    frame[at + 1] = mask | length
    return at + 2
  }
  if (length <= mediumMax) {
    frame[at + 1] = mask | (shortMax + 1)
    return frame.writeUInt16BE(length, at + 2)
  }
  frame[at + 1] = mask | (shortMax + 2)
  return frame.writeBigUInt64BE(BigInt(length), at + 2)
}
