// @ts-check
// What the scripts share that try unmodified clients. Some of these call home, so all of them run in a network namespace that holds nothing but loopback; only the
// installation of clients is done outside of it.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createGateway } from '../src/index.ts'
import { createLog } from '../src/observe/log.ts'
import { startSimulator } from '../src/simulator/server.ts'

/** @typedef {import('../src/simulator/server.ts').Simulator} Simulator */
/** A gateway before two simulated accounts, `first` and `second`. @typedef {{ url: string, simulator: Simulator, folder: string, turns: () => Promise<readonly any[]> }} Place */

/** Where clients are installed: some 900 MB, for all scripts at once. */
export const installation = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'turnout-clients')
export const key = 'tk-try-clients-0123456789'
const adminToken = `at-${key}`
const inside = '--inside'

/**
 * Does the work where nothing but loopback can be reached, once the packages are installed. The work says what the exit code is.
 * @param {string} script the URL of the script that is running @param {Readonly<Record<string, string>>} packages and the version of each
 * @param {(args: string[]) => Promise<number>} work
 */
export async function offline(script, packages, work) {
  const args = process.argv.slice(2)
  if (args[0] === inside) return work(args.slice(1))
  if (!install(packages)) return 1
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const command = [process.execPath, ...process.execArgv, fileURLToPath(script), inside, ...args]
  const ran = spawnSync('unshare', ['--net', ...asRoot, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command], { stdio: 'inherit' })
  if (ran.error === undefined) return ran.status ?? 1
  console.error(`A network namespace is needed, made by unshare (util-linux) and ip (iproute2), on Linux: ${ran.error.message}`)
  return 1
}

/** @param {Readonly<Record<string, string>>} packages */
function install(packages) {
  mkdirSync(installation, { recursive: true })
  // A module of that folder finds what is installed there.
  writeFileSync(join(installation, 'load.mjs'), 'export const load = (name) => import(name)\n')
  const missing = Object.entries(packages).filter(([name, version]) => installed(name) !== version)
  if (missing.length === 0) return true
  const wanted = missing.map(([name, version]) => `${name}@${version}`)
  console.log(`installing ${wanted.join(', ')} below ${installation}`)
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', '--loglevel', 'error', '--prefix', installation]
  const done = spawnSync('npm', ['install', ...options, ...wanted], { stdio: 'inherit' })
  if (done.status === 0) return true
  console.error('They could not be installed from the npm registry; without them there is nothing to try.')
  return false
}

/** The version that is installed; null: none is. @param {string} name */
function installed(name) {
  try {
    return JSON.parse(readFileSync(join(installation, 'node_modules', name, 'package.json'), 'utf8')).version
  } catch {
    return null
  }
}

/**
 * Works with a gateway of its own, whose first account serves until it runs dry.
 * @param {{ dialects?: readonly string[], models?: Readonly<Record<string, string>>, line?: (line: string) => void }} how what the accounts speak, the models they
 * map, and who takes the lines of the log @param {(place: Place) => Promise<void>} work
 */
export async function before({ dialects, models = {}, line = () => {} }, work) {
  const simulator = await startSimulator()
  // Not below the system's folder for temporary files: Codex refuses to keep its helpers there.
  const folder = mkdtempSync(join(installation, 'run-'))
  const file = join(folder, 'turnout.yaml')
  const accounts = ['first', 'second'].map((name, at) => ({
    name,
    upstream: 'simulator',
    base_url: simulator.url,
    credential: { api_key: `key-${name}` },
    models,
    priority: at + 1,
    ...(dialects === undefined ? {} : { dialects }),
  }))
  const pools = [{ name: 'all', accounts: ['first', 'second'] }]
  const keys = [{ name: 'try', key, pools: ['all'] }]
  writeFileSync(file, JSON.stringify({ data: join(folder, 'data'), accounts, pools, keys, admin: { token: adminToken } }))
  const log = createLog('info', { write: line })
  const opened = await createGateway({ file, environment: {}, overrides: { host: '127.0.0.1', port: 0 }, log })
  try {
    if (opened.kind !== 'open') throw new Error(opened.sentences.join('\n'))
    const { url } = opened.gateway
    await work({ url, simulator, folder, turns: () => recorded(url) })
  } finally {
    if (opened.kind === 'open') await opened.gateway.stop()
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The turns that the gateway has on its books, oldest first. @param {string} url @returns {Promise<readonly any[]>} */
function recorded(url) {
  const { promise, resolve, reject } = Promise.withResolvers()
  const asked = get(`${url}/admin/api/turns?limit=100`, { headers: { authorization: `Bearer ${adminToken}` } }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (piece) => (text += piece))
    response.on('error', reject)
    response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text).turns.toReversed()) : reject(new Error(text))))
  })
  asked.on('error', reject)
  return promise
}

/** From now on this account answers that its quota is spent. @param {Simulator} simulator @param {string} account */
export function exhaust(simulator, account) {
  simulator.set(`key-${account}`, { faults: [{ fault: 'quota', resetsInSeconds: 3600 }] })
}

/** Whether anything but loopback can be reached. @returns {Promise<boolean>} */
export function reachesOutside() {
  return new Promise((resolve) => {
    const socket = connect({ host: '192.0.2.1', port: 443, timeout: 1000 })
    socket.on('connect', () => resolve(true))
    socket.on('timeout', () => resolve(true))
    socket.on('error', () => resolve(false))
  })
}

/** Ends a client, so that it writes nothing any more. @param {import('node:child_process').ChildProcess} child */
export async function ended(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.stdin?.end()
  child.kill()
  await within(gone, 5_000).catch(() => child.kill('SIGKILL'))
}

/** @template T @param {Promise<T>} promise @param {number} [limitMs] @returns {Promise<T>} */
export function within(promise, limitMs = 30_000) {
  const late = Promise.withResolvers()
  const timer = setTimeout(() => late.reject(new Error(`nothing came for ${limitMs} ms`)), limitMs)
  return /** @type {Promise<T>} */ (Promise.race([promise, late.promise])).finally(() => clearTimeout(timer))
}
