import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { run } from '../../src/cli/program.ts'
import type { ExitCode, Surroundings } from '../../src/cli/surroundings.ts'

/** A folder with a space in its name, gone after the test. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'turnout cli '))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** A configuration with two simulated accounts, the first of which is out of quota. */
export const trial = `server: { port: 0 }
accounts:
  - { name: first, upstream: simulator, simulate: { fault: quota, resets_in_seconds: 3600 }, priority: 1 }
  - { name: second, upstream: simulator, priority: 2 }
pools: [{ name: trial, accounts: [first, second] }]
`

/** Writes a configuration; the answer is its file. */
export function configured(text: string = trial, at: string = folder()): string {
  const file = join(at, 'turnout.yaml')
  writeFileSync(file, text)
  return file
}

export interface Ran {
  readonly exit: ExitCode
  readonly out: string
  readonly err: string
}

/** What a command printed, and the signals that it waits for. */
export class Captured implements Surroundings {
  readonly environment: Readonly<Record<string, string>>
  readonly #signals = new Map<string, () => void>()
  printed = ''
  said = ''

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.environment = environment
  }

  readonly out = (text: string): void => void (this.printed += text)
  readonly err = (text: string): void => void (this.said += text)
  readonly paint = (_colour: string, text: string): string => text
  readonly onSignal = (signal: string, then: () => void): void => void this.#signals.set(signal, then)

  signal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
    const then = this.#signals.get(signal)
    if (then === undefined) throw new Error(`nobody waits for ${signal}`)
    then()
  }
}

/** Runs a command to its end. */
export async function turnout(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const captured = new Captured(environment)
  const exit = await run(words, captured)
  return { exit, out: captured.printed, err: captured.said }
}
