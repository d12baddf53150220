import { statSync, watch as watchFolder } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Loaded } from './load.ts'

/** A file's identity and version, or that it is not there. */
type Version = string

export interface Watching {
  readonly file: string
  /** Reads the file again. */
  readonly load: () => Loaded
  /** Told after every change of the file, valid or not. Never told what was there when watching began. */
  readonly changed: (loaded: Loaded) => void
  readonly clock: Clock
  /** Calls back when anything in the folder may have changed. What it misses, the look each second finds. */
  readonly notice?: (folder: string, changed: () => void) => () => void
}

export interface Watch {
  /** Reads and tells now, changed or not: SIGHUP. */
  reload(): void
  stop(): void
}

/** Together at most 1.1 s: a change is told within 2 s, events or none. */
const lookMs = 1000
const settleMs = 100

/**
 * Watches a configuration file through its folder, since editors replace files by renaming. A change is told once the file has stayed the
 * same for `settleMs`, so that one that is half written, or away for a moment, is not.
 */
export function watchConfiguration({ file, load, changed, clock, notice = noticeByFolder }: Watching): Watch {
  let told = versionOf(file)
  let seen = told
  let stopSettling: (() => void) | null = null
  let stopLooking: () => void

  const tell = (version: Version): void => {
    told = version
    changed(load())
  }
  const look = (): void => {
    if (stopSettling !== null) return
    seen = versionOf(file)
    if (seen !== told) settle()
  }
  const settle = (): void => {
    stopSettling = clock.after(settleMs, () => {
      stopSettling = null
      const version = versionOf(file)
      if (version === seen && version !== told) tell(version)
      else look()
    })
  }
  const lookAgain = (): void => {
    look()
    stopLooking = clock.after(lookMs, lookAgain)
  }
  stopLooking = clock.after(lookMs, lookAgain)
  const stopNoticing = notice(dirname(file), look)

  return {
    reload: () => tell(versionOf(file)),
    stop: () => {
      stopNoticing()
      stopLooking()
      stopSettling?.()
    },
  }
}

function versionOf(file: string): Version {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch {
    return 'not there'
  }
}

/** Events of the file system. */
export function noticeByFolder(folder: string, changed: () => void): () => void {
  try {
    const watcher = watchFolder(folder, { persistent: false }, changed)
    // Some file systems and full inotify tables refuse; the look each second goes on.
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => undefined
  }
}
