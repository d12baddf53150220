import { describe, expect, it } from 'vitest'
import { isSigned, opens, seal, sign } from '../../src/simulator/seal.ts'

describe('a seal', () => {
  it('is opened by its key alone', () => {
    const sealed = seal('key-a', 'rs_0001', 192)
    expect([
      opens('key-a', sealed),
      opens('key-b', sealed),
      opens('key-a', `${sealed.slice(0, 30)}${sealed[30] === 'A' ? 'B' : 'A'}${sealed.slice(31)}`),
    ]).toEqual([true, false, false])
    expect(seal('key-a', 'rs_0002', 192)).not.toBe(sealed)
  })

  it('is as large as told, but no smaller than it must be', () => {
    expect(Buffer.from(seal('key-a', 'rs_0001', 192).slice(10), 'base64url')).toHaveLength(192)
    expect(opens('key-a', seal('key-a', 'rs_0001', 0))).toBe(true)
  })

  it('is no signature, and a signature is no seal', () => {
    expect([isSigned('', seal('key-a', 'rs_0001', 48)), opens('key-a', sign('', 'rs_0001', 48))]).toEqual([false, false])
  })
})

describe('a signature', () => {
  const thought = 'a thought'
  const signature = sign(thought, 'rs_0001', 48)

  it('stands for its thought alone', () => {
    expect(isSigned(thought, signature)).toBe(true)
    for (const other of ['another', '']) expect(isSigned(other, signature)).toBe(false)
    for (const broken of ['', 'Ersim1', signature.slice(1), signature.slice(0, 20)]) expect(isSigned(thought, broken)).toBe(false)
  })
})
