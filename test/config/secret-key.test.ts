import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adminToken, ownedSecret, secretKey, trialKey } from '../../src/config/secret-key.ts'
import { emptyFolder, removeFoldersAfterEach } from './files.ts'

removeFoldersAfterEach()

const mode = (path: string) => statSync(path).mode & 0o777

describe('the secret key', () => {
  it('is made where there is none, and kept', () => {
    const folder = join(emptyFolder(), 'data')
    const made = secretKey(folder, {})
    expect(made.kind === 'secret' && made.key.byteLength).toBe(32)
    expect(secretKey(folder, {})).toEqual(made)
    expect(readFileSync(join(folder, 'secret.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
  })
  it('is closed to others, and so is its folder, from the start', () => {
    const folder = join(emptyFolder(), 'data')
    secretKey(folder, {})
    expect([mode(folder), mode(join(folder, 'secret.key'))]).toEqual([0o700, 0o600])
    expect(readdirSync(folder)).toEqual(['secret.key'])
  })
  it('is closed to others where it was open', () => {
    const folder = join(emptyFolder(), 'data')
    mkdirSync(folder, { mode: 0o755 })
    writeFileSync(join(folder, 'secret.key'), 'ab'.repeat(32))
    chmodSync(join(folder, 'secret.key'), 0o644)
    expect(secretKey(folder, {})).toMatchObject({ kind: 'secret', key: Buffer.alloc(32, 0xab), sealing: [Buffer.alloc(32, 0xab)] })
    expect([mode(folder), mode(join(folder, 'secret.key'))]).toEqual([0o700, 0o600])
  })
  it('comes from the environment first, and then no file is made', () => {
    const folder = join(emptyFolder(), 'data')
    expect(secretKey(folder, { TURNOUT_SECRET_KEY: '01'.repeat(32) })).toEqual({ kind: 'secret', key: Buffer.alloc(32, 1), sealing: [Buffer.alloc(32, 1)] })
    expect(readdirSync(join(folder, '..'))).toEqual([])
  })
  for (const [title, content] of [
    ['is too short', 'abcd'],
    ['is empty', ''],
    ['is too large', 'a'.repeat(5000)],
  ] as const) {
    it(`is refused, and not replaced, where its file ${title}`, () => {
      const folder = emptyFolder()
      writeFileSync(join(folder, 'secret.key'), content)
      const key = secretKey(folder, {})
      expect(key.kind === 'unusable' && key.why).toContain(`${join(folder, 'secret.key')} is not a secret key: expected 64 hexadecimal digits`)
      expect(readFileSync(join(folder, 'secret.key'), 'utf8')).toBe(content)
    })
  }
  it('is refused where the environment has a wrong one, without showing it', () => {
    const key = secretKey(emptyFolder(), { TURNOUT_SECRET_KEY: 'hidden' })
    expect(key).toEqual({ kind: 'unusable', why: 'TURNOUT_SECRET_KEY is not a secret key: expected 64 hexadecimal digits' })
  })
  it('is refused where the folder cannot be made', () => {
    const file = join(emptyFolder(), 'file')
    writeFileSync(file, '')
    const key = secretKey(join(file, 'data'), {})
    expect(key.kind === 'unusable' && key.why).toContain('can be neither read nor made (ENOTDIR)')
  })
})

describe('an owned secret', () => {
  it('that another process made first is the one that both use', () => {
    const file = join(emptyFolder(), 'x.key')
    const second = ownedSecret(file, () => {
      expect(ownedSecret(file, () => 'first')).toEqual({ kind: 'secret', text: 'first', made: true })
      return 'second'
    })
    expect(second).toEqual({ kind: 'secret', text: 'first', made: false })
  })
})

describe("the trial's key and the admin token", () => {
  it('are made once, can stand in a header, and are closed to others', () => {
    const folder = emptyFolder()
    const [trial, admin] = [trialKey(folder), adminToken(folder)]
    expect(trial).toMatchObject({ kind: 'secret', made: true, text: expect.stringMatching(/^trial-[\w-]{32}$/) })
    expect(admin).toMatchObject({ kind: 'secret', made: true, text: expect.stringMatching(/^admin-[\w-]{32}$/) })
    expect(trialKey(folder)).toEqual({ ...trial, made: false })
    expect([mode(join(folder, 'trial.key')), mode(join(folder, 'admin.token'))]).toEqual([0o600, 0o600])
  })
  it('are refused where their file is empty', () => {
    const folder = emptyFolder()
    writeFileSync(join(folder, 'admin.token'), '\n')
    expect(adminToken(folder)).toMatchObject({ kind: 'unusable' })
  })
})
