import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { loadConfiguration, type Loaded } from '../../src/config/load.ts'
import { noticeByFolder, watchConfiguration, type Watch, type Watching } from '../../src/config/watch.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { base, emptyFolder, removeFoldersAfterEach } from './files.ts'

removeFoldersAfterEach()

let running: Watch[] = []
afterEach(() => {
  for (const watch of running) watch.stop()
  running = []
})

/** What was told, in words: the port, or the first problem. */
function words(loaded: Loaded): string {
  return loaded.kind === 'loaded' ? `port ${loaded.configuration.server.port}` : (loaded.problems[0]?.sentence ?? '')
}

function watched(more: Partial<Watching> = {}) {
  const file = join(emptyFolder(), 'turnout.yaml')
  writeFileSync(file, `${base}server: { port: 1 }\n`)
  const told: string[] = []
  let arrived: (() => void) | null = null
  const watch = watchConfiguration({
    file,
    clock: systemClock,
    load: () => loadConfiguration(file, {}),
    changed: (loaded) => {
      told.push(words(loaded))
      arrived?.()
    },
    ...more,
  })
  running.push(watch)
  const next = () =>
    new Promise<void>((resolve) => {
      arrived = resolve
    })
  return { file, told, watch, next }
}

describe('a change of the file is told within two seconds', () => {
  it('when it is written in place', { timeout: 2000 }, async () => {
    const { file, told, next } = watched()
    const told1 = next()
    writeFileSync(file, `${base}server: { port: 2 }\n`)
    await told1
    expect(told).toEqual(['port 2'])
  })
  it('when another file is renamed over it, again and again', { timeout: 4000 }, async () => {
    const { file, told, next } = watched()
    for (const port of [2, 3]) {
      const arrived = next()
      writeFileSync(`${file}.new`, `${base}server: { port: ${port} }\n`)
      renameSync(`${file}.new`, file)
      await arrived
    }
    expect(told).toEqual(['port 2', 'port 3'])
  })
  it('when it is wrong', { timeout: 2000 }, async () => {
    const { file, told, next } = watched()
    const arrived = next()
    writeFileSync(file, `${base}server: { port: x }\n`)
    await arrived
    expect(told).toEqual(['server.port is "x": expected a whole number from 0 to 65535'])
  })
})

describe('an event from the file system', () => {
  it('is enough: a change is told before the look each second', { timeout: 2000 }, async () => {
    const clock = new VirtualClock()
    let heard: () => void = () => undefined
    const event = new Promise<void>((resolve) => {
      heard = resolve
    })
    const { file, told } = watched({
      clock,
      notice: (folder, changed) =>
        noticeByFolder(folder, () => {
          changed()
          heard()
        }),
    })
    writeFileSync(`${file}.new`, `${base}server: { port: 22 }\n`)
    renameSync(`${file}.new`, file)
    await event
    await clock.advance(500)
    expect(told).toEqual(['port 22'])
  })
})

describe('without any event from the file system', () => {
  const silent = () => {
    const clock = new VirtualClock()
    return { clock, ...watched({ clock, notice: () => () => undefined }) }
  }
  it('a change is found by looking each second', async () => {
    const { clock, file, told } = silent()
    writeFileSync(file, `${base}server: { port: 22 }\n`)
    await clock.advance(2000)
    expect(told).toEqual(['port 22'])
  })
  it('a change behind a symbolic link is found', async () => {
    const { clock, file, told } = silent()
    renameSync(file, `${file}.one`)
    writeFileSync(`${file}.two`, `${base}server: { port: 22 }\n`)
    symlinkSync(`${file}.two`, file)
    await clock.advance(2000)
    expect(told).toEqual(['port 22'])
  })
  it('a file that did not change is never told', async () => {
    const { clock, told } = silent()
    await clock.advance(10_000)
    expect(told).toEqual([])
  })
  it('a file that is gone is told once', async () => {
    const { clock, file, told } = silent()
    rmSync(file)
    await clock.advance(10_000)
    expect(told).toEqual(['there is no such file: expected the configuration'])
  })
  it('reload tells at once, changed or not', () => {
    const { told, watch } = silent()
    watch.reload()
    expect(told).toEqual(['port 1'])
  })
  it('nothing is told and no timer is left after stop', async () => {
    const { clock, file, told, watch } = silent()
    writeFileSync(file, `${base}server: { port: 22 }\n`)
    await clock.advance(1050)
    watch.stop()
    await clock.advance(5000)
    expect(told).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('a file that is being written', () => {
  it('is told only once it has stayed the same for a moment', async () => {
    const clock = new VirtualClock()
    let notice: () => void = () => undefined
    const { file, told } = watched({
      clock,
      notice: (_, changed) => {
        notice = changed
        return () => undefined
      },
    })
    for (const text of ['', 'accounts: [', `${base}server: { port: 333 }\n`]) {
      writeFileSync(file, text)
      notice()
      await clock.advance(60)
    }
    expect(told).toEqual([])
    await clock.advance(300)
    expect(told).toEqual(['port 333'])
  })
  it('and is away for a moment meanwhile is not told as gone', async () => {
    const clock = new VirtualClock()
    let notice: () => void = () => undefined
    const { file, told } = watched({
      clock,
      notice: (_, changed) => {
        notice = changed
        return () => undefined
      },
    })
    rmSync(file)
    notice()
    await clock.advance(50)
    writeFileSync(file, `${base}server: { port: 333 }\n`)
    notice()
    await clock.advance(300)
    expect(told).toEqual(['port 333'])
  })
})
