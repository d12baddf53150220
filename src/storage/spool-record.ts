import { deserialize, serialize } from 'node:v8'
import { crc32 } from 'node:zlib'
import type { BatchMessage } from './messages.ts'
import { openColumns, settleColumns } from './rows.ts'

// One record of the spool: a head of 32 bytes, then a batch. All numbers are little-endian.
//
//   0  magic "TSPL"      8  checksum of all that follows it     16  generation: random, one for each filling of the file
//   4  bytes of the batch 12  layout of the rows                24  sequence within the generation, from 0

const magic = 0x4c505354
export const headBytes = 32
/** No batch comes near; a length beyond is damage, and is not read. */
const bodyBytesMax = 1024 * 1024 * 1024

/** Rows are arrays without names: those of another version may mean something else. */
export const layout = crc32([...openColumns, '|', ...settleColumns].join(','))

/** Where a record stands among those of its filling. */
export interface Position {
  readonly generation: bigint
  readonly sequence: number
}

export interface Head extends Position {
  readonly bodyBytes: number
  readonly checksum: number
  readonly layout: number
}

export function encode(batch: BatchMessage, { generation, sequence }: Position): Buffer {
  const body = serialize(batch)
  const record = Buffer.allocUnsafe(headBytes + body.length)
  record.writeUInt32LE(magic, 0)
  record.writeUInt32LE(body.length, 4)
  record.writeUInt32LE(layout, 12)
  record.writeBigUInt64LE(generation, 16)
  record.writeBigUInt64LE(BigInt(sequence), 24)
  body.copy(record, headBytes)
  record.writeUInt32LE(crc32(record.subarray(12)), 8)
  return record
}

/** Null where no record begins. */
export function readHead(head: Buffer): Head | null {
  if (head.length < headBytes || head.readUInt32LE(0) !== magic) return null
  const bodyBytes = head.readUInt32LE(4)
  if (bodyBytes > bodyBytesMax) return null
  return {
    bodyBytes,
    checksum: head.readUInt32LE(8),
    layout: head.readUInt32LE(12),
    generation: head.readBigUInt64LE(16),
    sequence: Number(head.readBigUInt64LE(24)),
  }
}

/** Null where the record is not whole. @param record head and body. */
export function readBatch(head: Head, record: Buffer): BatchMessage | null {
  if (record.length !== headBytes + head.bodyBytes || crc32(record.subarray(12)) !== head.checksum) return null
  return deserialize(record.subarray(headBytes)) as BatchMessage
}

/** Whether `head` goes on where a filling of this generation has got to; the first record of all decides the generation. */
export function goesOn(head: Head, expected: { readonly generation: bigint | null; readonly sequence: number }): boolean {
  return head.sequence === expected.sequence && (expected.generation === null || head.generation === expected.generation)
}
