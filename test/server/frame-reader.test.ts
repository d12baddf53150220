import { describe, expect, it } from 'vitest'
import { responses } from '../../src/dialect/responses/responses.ts'
import { Bodies } from '../../src/server/bodies.ts'
import { FrameReader, type ReaderParts } from '../../src/server/frame-reader.ts'

const settings = { bounds: { bodiesBytes: 1000 } } as ReturnType<ReaderParts['settings']>
const create = Buffer.from('{"type":"response.create","model":"gpt-5.5","input":"hello"}')

function reader() {
  const bodies = new Bodies()
  return { bodies, reader: new FrameReader({ dialect: responses, bodies, refuser: {} as ReaderParts['refuser'], settings: () => settings }) }
}

describe('a frame that is held', () => {
  it('has its very bytes, which count until it is let go', () => {
    const { bodies, reader: frames } = reader()
    const { held } = frames.read(create, 0)
    expect(held?.text).toEqual({ pieces: [create], bytes: create.length })
    expect(bodies.bytes).toBe(create.length)
    held?.letGo()
    held?.letGo()
    expect(bodies.bytes).toBe(0)
  })

  it('keeps none of them alive afterwards, for as long as its turn may be remembered', () => {
    const { held } = reader().reader.read(create, 0)
    held?.letGo()
    expect(() => held?.text).toThrow('what was let go is not asked for again')
    expect(() => held?.body.value).toThrow('what was let go is not asked for again')
  })

  it('is refused where all requests together hold as much as they may', () => {
    const { reader: frames } = reader()
    const large = Buffer.from(`{"type":"response.create","model":"gpt-5.5","input":"${'x'.repeat(600)}"}`)
    expect(frames.read(large, 0).incoming.kind).toBe('create')
    expect(frames.read(large, 1)).toMatchObject({ held: null, incoming: { kind: 'refused', refusal: { code: 'memory_full' }, close: null } })
  })
})
