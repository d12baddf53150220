import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { parseConfiguration } from '../../src/config/load.ts'
import { problemText } from '../../src/config/problem.ts'
import type { Configuration } from '../../src/config/schema.ts'

const folders: string[] = []

/** A folder that is gone after the test. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnout config '))
  folders.push(folder)
  return folder
}

export function removeFoldersAfterEach(): void {
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
}

/** Two lines that make any configuration complete. */
export const base = 'accounts: [{ name: a, upstream: simulator }]\npools: [{ name: p, accounts: [a] }]\n'

/** The problems as they are printed; none for a valid text. */
export function problemsOf(text: string, environment: Readonly<Record<string, string>> = {}): readonly string[] {
  const loaded = parseConfiguration('t.yaml', text, environment)
  return loaded.kind === 'loaded' ? [] : loaded.problems.map(problemText)
}

export function configurationOf(text: string, environment: Readonly<Record<string, string>> = {}): Configuration {
  const loaded = parseConfiguration('t.yaml', text, environment)
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(problemText).join('\n'))
  return loaded.configuration
}
