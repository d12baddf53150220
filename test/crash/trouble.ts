import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/** What happens to the store while turns run. */
export const troubles = ['none', 'disk full', 'store locked'] as const
export type Trouble = (typeof troubles)[number]

/** Brings it about in this data folder. The answer ends it. */
export function bring(trouble: Trouble, data: string): () => void {
  switch (trouble) {
    case 'none':
      return () => undefined
    case 'disk full':
      return fill(join(data, 'filler'))
    case 'store locked':
      return lock(join(data, 'turnout.db'))
  }
}

/** Takes all the room that is there, and what becomes free. */
function fill(file: string): () => void {
  const fd = openSync(file, 'w')
  const block = Buffer.alloc(1024 * 1024, 1)
  const take = (): void => {
    for (let bytes = block.length; bytes >= 1;) {
      try {
        if (writeSync(fd, block, 0, bytes) < bytes) bytes = Math.floor(bytes / 2)
      } catch {
        bytes = Math.floor(bytes / 2)
      }
    }
  }
  take()
  const timer = setInterval(take, 10)
  return () => {
    clearInterval(timer)
    closeSync(fd)
    rmSync(file)
  }
}

function lock(file: string): () => void {
  const other = new Sqlite(file, { timeout: 5000 })
  other.exec('begin immediate')
  return () => {
    other.exec('rollback')
    other.close()
  }
}
