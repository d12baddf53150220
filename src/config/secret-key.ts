import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, fchmodSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A secret that lives in a file which only we may read. `made`: it was not there before. */
export type OwnedSecret = { readonly kind: 'secret'; readonly text: string; readonly made: boolean } | { readonly kind: 'unusable'; readonly why: string }

/** `key`: by which secrets are known again. `sealing`: under which they are sealed, the newest first; the older ones open what they have sealed. */
export type SecretKey =
  | { readonly kind: 'secret'; readonly key: Buffer; readonly sealing: readonly Buffer[] }
  | { readonly kind: 'unusable'; readonly why: string }

export const secretKeyFile = 'secret.key'

const bytesMax = 4096
const hex32 = /^[0-9a-fA-F]{64}$/

/** What credentials and keys are hashed and sealed with: `TURNOUT_SECRET_KEY`, else `secret.key` in the data folder, made where it is missing. */
export function secretKey(folder: string, environment: Readonly<Record<string, string | undefined>>): SecretKey {
  const said = environment['TURNOUT_SECRET_KEY']
  if (said !== undefined && said !== '') {
    const keys = keysIn(said)
    if (keys !== null) return keys
    return { kind: 'unusable', why: 'TURNOUT_SECRET_KEY is not a secret key: expected 64 hexadecimal digits' }
  }
  const file = join(folder, secretKeyFile)
  const owned = ownedSecret(file, () => randomBytes(32).toString('hex'))
  if (owned.kind === 'unusable') return owned
  const keys = keysIn(owned.text)
  if (keys !== null) return keys
  return {
    kind: 'unusable',
    why: `${file} is not a secret key: expected 64 hexadecimal digits; put the right file back, or remove it to have another made (stored secrets are then lost)`,
  }
}

/** One key for everything; or the one by which secrets are known again, and behind it those that seal. */
function keysIn(text: string): Extract<SecretKey, { kind: 'secret' }> | null {
  const words = text.split(/[\s,]+/)
  if (!words.every((word) => hex32.test(word))) return null
  const [key, ...sealing] = words.map((word) => Buffer.from(word, 'hex'))
  return key === undefined ? null : { kind: 'secret', key, sealing: sealing.length === 0 ? [key] : sealing }
}

/** The text of a key that is made while the gateway runs; kept nowhere. */
export function newKeyText(): string {
  return `tk-${randomBytes(32).toString('base64url')}`
}

/** The key that the trial's clients use. */
export function trialKey(folder: string): OwnedSecret {
  return usable(join(folder, 'trial.key'), 'trial')
}

/** The admin token of a configuration that names none. */
export function adminToken(folder: string): OwnedSecret {
  return usable(join(folder, 'admin.token'), 'admin')
}

function usable(file: string, prefix: string): OwnedSecret {
  const owned = ownedSecret(file, () => `${prefix}-${randomBytes(24).toString('base64url')}`)
  if (owned.kind === 'unusable' || /^[\x21-\x7e]{16,256}$/.test(owned.text)) return owned
  return { kind: 'unusable', why: `${file} holds no usable secret: expected 16 to 256 printable characters; remove it to have another made` }
}

/**
 * Reads a secret's file; where there is none, makes it. The file never exists half written or readable by others: it is written under
 * another name with mode 0600 and then linked, so of two processes that make it at once both use the one that came first.
 */
export function ownedSecret(file: string, make: () => string): OwnedSecret {
  try {
    closeFolder(dirname(file))
    const found = read(file)
    if (found !== null) return { kind: 'secret', text: found, made: false }
    const text = make()
    if (create(file, text)) return { kind: 'secret', text, made: true }
    return { kind: 'secret', text: read(file) ?? '', made: false }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { kind: 'unusable', why: `${file} can be neither read nor made (${code}): expected a data folder that this user may write to` }
  }
}

/** Makes the folder with mode 0700; one that is there already and ours is closed to others, unless many share it. */
export function closeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { mode, uid } = statSync(folder)
  const isShared = (mode & 0o1000) !== 0
  if ((mode & 0o077) !== 0 && !isShared && uid === process.getuid?.()) chmodSync(folder, 0o700)
}

function read(file: string): string | null {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  try {
    const { mode, size, uid } = fstatSync(descriptor)
    if ((mode & 0o077) !== 0 && uid === process.getuid?.()) fchmodSync(descriptor, 0o600)
    return size > bytesMax ? '' : readFileSync(descriptor, 'utf8').trim()
  } finally {
    closeSync(descriptor)
  }
}

/** False: someone else made it first. */
function create(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    writeSync(descriptor, `${text}\n`)
    fsyncSync(descriptor)
    linkSync(draft, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    closeSync(descriptor)
    rmSync(draft, { force: true })
  }
}
