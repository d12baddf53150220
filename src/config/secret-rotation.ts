import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { secretKey, secretKeyFile, type SecretKey } from './secret-key.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The keys under which credentials are sealed. The key by which secrets are known again is never exchanged, or every key that was issued would be void. */
export interface Rotation {
  /** Those that hold now, the newest first. */
  readonly keys: readonly Buffer[]
  /** Makes a new key, which is on disk beside the old ones when this returns: whatever happens next, every seal can be opened. */
  begin(): SecretKey
  /** Everything is sealed anew: the old keys go. The answer says what is left to do by hand; null: nothing. */
  end(): string | null
}

/** @param folder the data folder. */
export function rotationOf(folder: string, environment: Environment, keys: readonly Buffer[]): Rotation {
  const said = environment['TURNOUT_SECRET_KEY'] ?? ''
  return {
    keys,
    begin: () => (said === '' ? beginInFile(folder, environment) : secretKey(folder, environment)),
    end() {
      if (said === '') return endInFile(folder, environment)
      const keys = said.split(/[\s,]+/)
      if (keys.length < 3)
        return 'TURNOUT_SECRET_KEY names no newer key: write the first of its keys, a new one and the last of its keys there, with commas, and do this again'
      return 'everything is sealed by the second key of TURNOUT_SECRET_KEY now: leave the first and the second there, and take the others out'
    },
  }
}

function beginInFile(folder: string, environment: Environment): SecretKey {
  const before = secretKey(folder, environment)
  if (before.kind === 'unusable') return before
  const sealing = [randomBytes(32), ...before.sealing]
  write(folder, [before.key, ...sealing])
  return { kind: 'secret', key: before.key, sealing }
}

function endInFile(folder: string, environment: Environment): null {
  const now = secretKey(folder, environment)
  if (now.kind === 'secret') write(folder, [now.key, ...now.sealing.slice(0, 1)])
  return null
}

/** The file holds either the old keys or the new ones, whatever happens. */
function write(folder: string, keys: readonly Buffer[]): void {
  const file = join(folder, secretKeyFile)
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    writeSync(descriptor, `${keys.map((key) => key.toString('hex')).join('\n')}\n`)
    fsyncSync(descriptor)
    renameSync(draft, file)
    sync(folder)
  } finally {
    closeSync(descriptor)
    rmSync(draft, { force: true })
  }
}

/** That the name stands for the new file is on disk, too. */
function sync(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
