import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Who serves a data folder, and where. */
export interface Serving {
  readonly pid: number
  readonly url: string
}

/** Who serves now; null when nobody does. A file that its process left behind counts for nothing. */
export function readPidFile(file: string): Serving | null {
  const serving = parse(file)
  return serving !== null && isAlive(serving.pid) ? serving : null
}

/** Takes the place for this process, or says more of a place that it has. The answer is who holds it, where somebody else does. */
export function claimPidFile(file: string, serving: Serving): Serving | null {
  const text = `${JSON.stringify(serving)}\n`
  const before = parse(file)
  if (before?.pid === serving.pid) {
    writeFileSync(file, text, { mode: 0o600 })
    return null
  }
  if (before !== null && isAlive(before.pid)) return before
  rmSync(file, { force: true })
  writeNew(file, text)
  const holder = parse(file)
  return holder === null || holder.pid === serving.pid ? null : holder
}

/** Gives the place up, if it is this process's. */
export function removePidFile(file: string, pid: number): void {
  if (parse(file)?.pid === pid) rmSync(file, { force: true })
}

/** Of two processes that start at once, one is first. */
function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function parse(file: string): Serving | null {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('url' in value)) return null
    const { pid, url } = value
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof url === 'string' ? { pid, url } : null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
