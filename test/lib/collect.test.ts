import { describe, expect, test } from 'vitest'
import { collect } from '../../src/lib/collect.ts'
import { PushedBody } from '../support/pushed-body.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function collecting(bytesMax: number, ms: number) {
  const clock = new VirtualClock()
  const body = new PushedBody()
  return { clock, body, collected: collect(body, bytesMax, clock, ms) }
}

describe('a body that is read into one buffer', () => {
  test('is whole at its bound', async () => {
    const { clock, body, collected } = collecting(10, 1000)
    body.push(Buffer.from('12345'))
    body.push(Buffer.from('67890'))
    body.end()
    expect(await collected).toEqual({ kind: 'whole', bytes: Buffer.from('1234567890') })
    expect(body.cancelled).toBe(false)
    expect(clock.pending).toBe(0)
  })

  test('is cancelled a byte beyond it, and what came before is kept', async () => {
    const { clock, body, collected } = collecting(10, 1000)
    body.push(Buffer.from('1234567890'))
    body.push(Buffer.from('1'))
    expect(await collected).toEqual({ kind: 'too-large', bytes: Buffer.from('1234567890') })
    expect(body.cancelled).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('is cancelled when its time is over', async () => {
    const { clock, body, collected } = collecting(10, 1000)
    await clock.advance(999)
    expect(body.cancelled).toBe(false)
    await clock.advance(1)
    expect(await collected).toEqual({ kind: 'too-late' })
    expect(body.cancelled).toBe(true)
  })

  test('is told to be broken where it breaks off', async () => {
    const { clock, body, collected } = collecting(10, 1000)
    body.push(Buffer.from('1'))
    body.broken('reset')
    expect(await collected).toEqual({ kind: 'broken', detail: 'reset' })
    expect(clock.pending).toBe(0)
  })
})
