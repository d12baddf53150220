import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { systemClock } from '../lib/clock.ts'
import { testText } from './accounts.ts'
import type { StatusShape } from '../admin/contract.ts'
import type { Serving } from '../lib/pid-file.ts'
import { answersAt, openServedDesk } from './served-desk.ts'
import { findPlace, type Place } from './place.ts'
import { plain, printJson, type Colour, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'

/** One thing that was looked at. `note`: nothing is wrong, but it is worth knowing. */
export interface Finding {
  readonly what: string
  readonly outcome: 'ok' | 'note' | 'wrong'
  readonly message: string
}

const finding = (what: string, outcome: Finding['outcome'], message: string): Finding => ({ what, outcome, message })

const colours: Readonly<Record<Finding['outcome'], Colour>> = { ok: 'green', note: 'yellow', wrong: 'red' }
/** Node that runs the sources; the launcher refuses older ones. */
const nodeMin = [24, 15] as const

/** `turnout doctor`: looks at everything that a gateway needs, changes nothing, and exits 1 where something is wrong. */
export async function doctor(options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const findings: Finding[] = []
  for await (const found of look(options, surroundings)) {
    findings.push(found)
    if (options.json !== true)
      surroundings.out(`${surroundings.paint(colours[found.outcome], found.outcome.padEnd(5))}  ${found.what.padEnd(13)}  ${plain(found.message)}\n`)
  }
  if (options.json === true) printJson({ findings }, surroundings)
  return findings.some(({ outcome }) => outcome === 'wrong') ? 1 : 0
}

async function* look(options: CommonOptions, surroundings: Surroundings): AsyncGenerator<Finding> {
  yield lookAtNode(process.versions.node)
  const place = findPlace(options, surroundings)
  if (place.kind === 'failed') {
    const isThere = existsSync(options.config)
    for (const sentence of place.sentences) yield finding('configuration', isThere ? 'wrong' : 'note', sentence)
    yield lookAtClock([], systemClock.now())
    return
  }
  yield finding('configuration', 'ok', `${options.config} is valid`)
  const serving = place.serving !== null && (await answersAt(place.serving.url)) === 'somebody' ? place.serving : null
  yield lookAtFolder(place.places.data)
  if (serving === null) {
    yield await lookAtPort(place)
    yield await lookAtStore(place.places.store)
  } else {
    yield await lookAtGateway(place, serving)
  }
  yield lookAtClock([place.file, place.places.store], systemClock.now())
  yield* lookAtUpstreams(place, surroundings)
}

export function lookAtNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])
  return finding('node', isEnough ? 'ok' : 'wrong', isEnough ? `Node ${version}` : `this is Node ${version}: Turnout needs ${nodeMin.join('.')} or newer`)
}

export function lookAtFolder(data: string): Finding {
  if (!existsSync(data)) {
    const above = dirname(data)
    if (mayWrite(above)) return finding('data', 'note', `${data} is not there yet: the first start makes it`)
    return finding('data', 'wrong', `${data} is not there, and ${above} is not writable for this user`)
  }
  const stat = statSync(data)
  if (!stat.isDirectory()) return finding('data', 'wrong', `${data} is no folder`)
  if (!mayWrite(data)) return finding('data', 'wrong', `${data} is not writable for this user`)
  if ((stat.mode & 0o077) !== 0) return finding('data', 'wrong', `${data} is open to other users of this machine: run chmod 700 on it`)
  return finding('data', 'ok', `${data} is writable, and closed to others`)
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** What the gateway that serves says of itself: port and store are its own. */
async function lookAtGateway(place: Place, serving: Serving): Promise<Finding> {
  const where = `${serving.url} (process ${serving.pid})`
  const desk = openServedDesk(place, serving)
  const told = desk.kind === 'failed' ? desk : await desk.ask('status')
  return told.kind === 'failed' ? finding('gateway', 'wrong', told.sentences.join(' ')) : judgeGateway(where, told.body)
}

export function judgeGateway(where: string, { config, ready, turns_open: open }: StatusShape): Finding {
  if (config.error !== null)
    return finding('gateway', 'wrong', `${where} still runs on the configuration of ${config.loaded_at}, since it could not apply a newer one: ${config.error}`)
  if (!ready) return finding('gateway', 'wrong', `${where} is not ready; its /readyz says why`)
  return finding('gateway', 'ok', `${where} serves, its store commits, and ${open} turns run`)
}

async function lookAtPort({ configuration }: Place): Promise<Finding> {
  const { host, port } = configuration.server
  if (port === 0) return finding('port', 'ok', 'port 0: each start takes a free one')
  const code = await whyNotListening(host, port)
  if (code === null) return finding('port', 'ok', `port ${port} on ${host} is free`)
  if (code === 'EADDRINUSE') return finding('port', 'wrong', `port ${port} on ${host} is taken by another program, which is no gateway on this data`)
  return finding('port', 'wrong', `port ${port} on ${host} cannot be listened on (${code})`)
}

function whyNotListening(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const trying = createServer()
    trying.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    trying.listen({ host, port, exclusive: true }, () => trying.close(() => resolve(null)))
  })
}

async function lookAtStore(file: string): Promise<Finding> {
  if (!existsSync(file)) return finding('store', 'note', `${file} is not there yet: the first start makes it`)
  const [{ openFile }, { StoreError }] = await Promise.all([import('../storage/open-file.ts'), import('../storage/store-error.ts')])
  try {
    const db = await openFile(file)
    const whole = String(db.pragma('quick_check(1)', { simple: true }))
    db.close()
    return whole === 'ok' ? finding('store', 'ok', `${file} opens and is whole`) : finding('store', 'wrong', `${file} is damaged: ${whole}`)
  } catch (error) {
    if (error instanceof StoreError) return finding('store', 'wrong', error.message)
    throw error
  }
}

/** Before this the program was not written. */
const earliestMs = Date.UTC(2026, 0, 1)
/** A file may be a little ahead of us where it lies on another machine. */
const aheadMsMax = 5 * 60_000

/** A clock that is wrong breaks TLS, coolings and resets. @param files that cannot be newer than now. */
export function lookAtClock(files: readonly string[], nowMs: number): Finding {
  const now = new Date(nowMs).toISOString()
  if (nowMs < earliestMs) return finding('clock', 'wrong', `it says ${now}, which is in the past: set the clock of this machine`)
  const ahead = files.find((file) => existsSync(file) && statSync(file).mtimeMs > nowMs + aheadMsMax)
  if (ahead !== undefined) return finding('clock', 'wrong', `it says ${now}, and ${ahead} was changed after that: the clock was set back, or is wrong`)
  return finding('clock', 'ok', `it says ${now}`)
}

async function* lookAtUpstreams(place: Place, surroundings: Surroundings): AsyncGenerator<Finding> {
  const { openReach } = await import('./reach.ts')
  const reach = await openReach(place, surroundings)
  try {
    for (const tested of await reach.testAll()) yield finding('account', tested.outcome === 'well' ? 'ok' : 'wrong', `${tested.account}: ${testText(tested)}`)
  } finally {
    await reach.close()
  }
}
