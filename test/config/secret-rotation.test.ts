import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { secretKey } from '../../src/config/secret-key.ts'
import { rotationOf } from '../../src/config/secret-rotation.ts'
import { emptyFolder, removeFoldersAfterEach } from './files.ts'

removeFoldersAfterEach()

const lines = (folder: string) => readFileSync(join(folder, 'secret.key'), 'utf8').trim().split('\n')
const keysOf = (folder: string) => {
  const found = secretKey(folder, {})
  if (found.kind === 'unusable') throw new Error(found.why)
  return found
}
const hex = (byte: number) => Buffer.alloc(32, byte).toString('hex')

describe('exchanging the key that seals', () => {
  it('has the new key on disk beside the old one, before anything is sealed with it', () => {
    const folder = join(emptyFolder(), 'data')
    const { key, sealing } = keysOf(folder)
    const begun = rotationOf(folder, {}, sealing).begin()
    expect(begun).toMatchObject({ kind: 'secret', key })
    expect(keysOf(folder)).toEqual(begun)
    expect(lines(folder)).toHaveLength(3)
    expect(begun.kind === 'secret' && begun.sealing[1]).toEqual(key)
  })

  it('ends with the new key alone, and never exchanges the one by which issued keys are known', () => {
    const folder = join(emptyFolder(), 'data')
    const before = keysOf(folder)
    const rotation = rotationOf(folder, {}, before.sealing)
    const begun = rotation.begin()
    expect(rotation.end()).toBeNull()
    const after = keysOf(folder)
    expect(after.key).toEqual(before.key)
    expect(after.sealing).toEqual(begun.kind === 'secret' ? begun.sealing.slice(0, 1) : [])
    expect(after.sealing).not.toEqual(before.sealing)
    expect(statSync(join(folder, 'secret.key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['secret.key'])
  })

  it('keeps every key that may be needed, when it is begun again after a crash', () => {
    const folder = join(emptyFolder(), 'data')
    const { key, sealing } = keysOf(folder)
    const first = rotationOf(folder, {}, sealing).begin()
    const second = rotationOf(folder, {}, sealing).begin()
    expect(second.kind === 'secret' && first.kind === 'secret' && second.sealing.slice(1)).toEqual(first.kind === 'secret' && first.sealing)
    expect(second.kind === 'secret' && second.sealing.at(-1)).toEqual(key)
  })

  it('says what is wrong with a file that holds no key', () => {
    const folder = join(emptyFolder(), 'data')
    keysOf(folder)
    writeFileSync(join(folder, 'secret.key'), 'nonsense')
    expect(rotationOf(folder, {}, []).begin()).toMatchObject({ kind: 'unusable' })
    expect(readFileSync(join(folder, 'secret.key'), 'utf8')).toBe('nonsense')
  })
})

describe('a key that comes from the environment', () => {
  it('may be several, with commas: the first is the one by which keys are known, those behind it seal', () => {
    const folder = join(emptyFolder(), 'data')
    const said = { TURNOUT_SECRET_KEY: `${hex(1)},${hex(2)},${hex(3)}` }
    expect(secretKey(folder, said)).toEqual({ kind: 'secret', key: Buffer.alloc(32, 1), sealing: [Buffer.alloc(32, 2), Buffer.alloc(32, 3)] })
    const rotation = rotationOf(folder, said, [])
    expect(rotation.begin()).toEqual(secretKey(folder, said))
    expect(rotation.end()).toContain('leave the first and the second there')
  })

  it('is exchanged by whoever sets it: nothing is made, and what to do is said', () => {
    const rotation = rotationOf(join(emptyFolder(), 'data'), { TURNOUT_SECRET_KEY: hex(1) }, [])
    expect(rotation.end()).toMatch(/^TURNOUT_SECRET_KEY names no newer key/)
  })

  it('is refused whole when one of them is none', () => {
    expect(secretKey(join(emptyFolder(), 'data'), { TURNOUT_SECRET_KEY: `${hex(1)},nonsense` }).kind).toBe('unusable')
  })
})
