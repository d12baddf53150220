// @ts-check
// Runs the nginx and caddy snippets of README.md in front of a gateway, and tries what a proxy may break. By hand: `npm run try:proxies`.
// It needs both servers; on Debian: `apt-get install nginx-light caddy`. Neither is started by its package for this.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGateway } from '../src/index.ts'
import { createLog } from '../src/observe/log.ts'
import { startSimulator } from '../src/simulator/server.ts'

/** @typedef {import('../src/simulator/server.ts').Simulator} Simulator */
/** @typedef {{ status: number, headers: import('node:http').IncomingHttpHeaders, text: string, whole: boolean, firstMs: number, arrivals: number[] }} Answer */
/** @typedef {{ path?: string, method?: string, headers?: Record<string, string>, leaveAfterMs?: number, body?: string }} Asking */

const key = 'tk-try-proxies'
const bigBytes = 20 * 1024 * 1024
/** The shortest time for which a proxy must wait for a whole answer: what the gateway allows an upstream. Unit: seconds. */
const answerSeconds = 590

/** Each model has an account of its own, which plays one part. */
const parts = {
  paced: { deltas: 6, paceMs: 150 },
  waiting: { faults: [{ fault: 'slow', ms: 1500, before: /** @type {const} */ ('output') }] },
  broken: { faults: [{ fault: 'cut' }] },
  long: { deltas: 200, paceMs: 100 },
  slow: { faults: [{ fault: 'slow', ms: 20_000, before: /** @type {const} */ ('head') }] },
}

/** @param {string} url */
function configuration(url) {
  const names = Object.keys(parts)
  const account = (/** @type {string} */ name) => ({
    name,
    upstream: 'simulator',
    base_url: url,
    credential: { api_key: `key-${name}` },
    models: { [name]: name },
    only_mapped: true,
  })
  return {
    accounts: names.map(account),
    pools: [{ name: 'all', accounts: names }],
    keys: [{ name: 'try', key, pools: ['all'] }],
    times: { hold_head: '300ms', keep_alive: '300ms' },
    admin: { token: 'at-try-proxies' },
    log: { level: 'error' },
  }
}

/** The README's snippet in this language. @param {string} language */
function snippet(language) {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const found = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(readme)?.[1]
  if (found === undefined) throw new Error(`README.md has no snippet in the language ${language}`)
  return found
}

/** Replaces what differs between the snippet and this trial; each of it must be there. @param {string} text @param {[string, string][]} replacements */
function adapted(text, replacements) {
  return replacements.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the snippet does not say "${from}"`)
    return before.replaceAll(from, to)
  }, text)
}

/** @typedef {{ folder: string, port: number, gateway: string, certificate: string, certificateKey: string }} Place */

/** What starts nginx with its snippet. @param {Place} place */
function nginx({ folder, port, gateway, certificate, certificateKey }) {
  const server = adapted(snippet('nginx'), [
    ['127.0.0.1:8080', gateway],
    ['listen 443', `listen 127.0.0.1:${port}`],
    ['/etc/ssl/llm.example.com.crt', certificate],
    ['/etc/ssl/llm.example.com.key', certificateKey],
  ])
  const seconds = Number(/proxy_read_timeout (\d+)s;/.exec(server)?.[1] ?? 0)
  if (seconds <= answerSeconds) throw new Error(`proxy_read_timeout must be longer than ${answerSeconds} s`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${folder}/${what};`).join('\n')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const text = `${user}\ndaemon off;\npid ${folder}/pid;\nerror_log ${folder}/error.log;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${server}\n}\n`
  writeFileSync(join(folder, 'nginx.conf'), text)
  return { command: '/usr/sbin/nginx', args: ['-c', join(folder, 'nginx.conf'), '-p', folder] }
}

/** What starts caddy with its snippet. @param {Place} place */
function caddy({ folder, port, gateway, certificate, certificateKey }) {
  const site = adapted(snippet('caddyfile'), [
    ['llm.example.com {', `https://127.0.0.1:${port} {\n\ttls ${certificate} ${certificateKey}`],
    ['127.0.0.1:8080', gateway],
  ])
  writeFileSync(join(folder, 'Caddyfile'), `{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system ${folder}\n}\n${site}`)
  return { command: 'caddy', args: ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')] }
}

/** @param {number} port @param {string} model @param {Asking} [asking] @returns {Promise<Answer>} */
function ask(port, model, asking = {}) {
  const { promise, resolve, reject } = Promise.withResolvers()
  const startedMs = performance.now()
  const body = asking.body ?? JSON.stringify({ model, input: 'hello', stream: true })
  const sent = request(
    {
      host: '127.0.0.1',
      port,
      method: asking.method ?? 'POST',
      path: asking.path ?? '/v1/responses',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...asking.headers },
      rejectUnauthorized: false,
      agent: false,
    },
    (response) => {
      /** @type {Answer} */
      const answer = { status: response.statusCode ?? 0, headers: response.headers, text: '', whole: false, firstMs: 0, arrivals: [] }
      response.on('data', (/** @type {Buffer} */ chunk) => {
        answer.firstMs ||= performance.now() - startedMs
        answer.text += chunk.toString('utf8')
        if (chunk.includes('output_text.delta')) answer.arrivals.push(performance.now() - startedMs)
      })
      response.on('error', () => undefined)
      response.on('close', () => resolve({ ...answer, whole: response.complete }))
    },
  )
  sent.on('error', reject)
  if (asking.leaveAfterMs !== undefined) void sleep(asking.leaveAfterMs).then(() => sent.destroy())
  sent.end(asking.method === 'GET' ? undefined : body)
  return promise
}

const broken = 'a stream that broke arrives broken, with its error inside'
/** What a version is known to do wrong, as the README says. */
const known = [{ proxy: 'caddy', version: /^v?2\.[0-6]\./, title: broken }]

/** @param {Simulator} simulator @param {string} account the API key of its upstream */
async function freed(simulator, account) {
  for (let waitedMs = 0; waitedMs < 5000 && simulator.inFlight(account) > 0; waitedMs += 100) await sleep(100)
  return simulator.inFlight(account) === 0 ? null : 'the upstream still answers'
}

/** What a proxy may break. Each says what is wrong, or nothing. @type {[string, (port: number, simulator: Simulator) => Promise<string | null>][]} */
const trials = [
  [
    'events arrive as they are made',
    async (port) => {
      const { arrivals, whole } = await ask(port, 'paced')
      const spreadMs = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)
      return whole && arrivals.length >= 4 && spreadMs >= 400 ? null : `${arrivals.length} arrivals within ${Math.round(spreadMs)} ms`
    },
  ],
  [
    'keep-alives arrive before the first output',
    async (port) => {
      const { firstMs, text } = await ask(port, 'waiting')
      return firstMs < 1000 && text.startsWith(': keep-alive') ? null : `the first bytes came after ${Math.round(firstMs)} ms: ${text.slice(0, 40)}`
    },
  ],
  [
    broken,
    async (port) => {
      const { whole, text } = await ask(port, 'broken')
      return !whole && text.includes('response.failed') ? null : whole ? 'it ended as if it were whole' : `it ended with: ${text.slice(-120)}`
    },
  ],
  [
    `a body of ${bigBytes / 1024 / 1024} MiB passes`,
    async (port) => {
      const { status, text } = await ask(port, 'paced', { body: JSON.stringify({ model: 'paced', input: 'x'.repeat(bigBytes), stream: true }) })
      return status === 200 ? null : `status ${status}: ${text.slice(0, 120)}`
    },
  ],
  [
    'a client that leaves in the middle frees its upstream within 5 s',
    async (port, simulator) => {
      await ask(port, 'long', { leaveAfterMs: 500 })
      return freed(simulator, 'key-long')
    },
  ],
  [
    'so does one that leaves before the answer began',
    async (port, simulator) => {
      await ask(port, 'slow', { leaveAfterMs: 500, body: JSON.stringify({ model: 'slow', input: 'hello' }) }).catch(() => null)
      return freed(simulator, 'key-slow')
    },
  ],
  [
    'an upgrade is answered 426',
    async (port) => {
      const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }
      const { status } = await ask(port, '', { method: 'GET', headers })
      return status === 426 ? null : `status ${status}`
    },
  ],
  [
    'headers that name a session pass, an underscore in them or not',
    async (port, simulator) => {
      await ask(port, 'paced', { headers: { session_id: 'one', 'session-id': 'two' } })
      const headers = simulator.received().at(-1)?.headers
      return headers?.['session_id'] === 'one' && headers['session-id'] === 'two' ? null : `the upstream got ${Object.keys(headers ?? {}).join(', ')}`
    },
  ],
  [
    'a refusal keeps its shape and its headers',
    async (port) => {
      const { status, headers, text } = await ask(port, 'unknown')
      const isOurs = status === 404 && text.includes('model_not_served') && headers['x-turnout-turn'] !== undefined && headers['x-should-retry'] === 'false'
      return isOurs ? null : `status ${status}, ${JSON.stringify(headers)}`
    },
  ],
  [
    'the admin API and the metrics are not reached from outside',
    async (port) => {
      const headers = { authorization: 'Bearer at-try-proxies' }
      const [status, metrics] = await Promise.all(['/admin/api/status', '/metrics'].map((path) => ask(port, '', { method: 'GET', path, headers })))
      return status?.status === 404 && metrics?.status === 404 ? null : `status ${status?.status} and ${metrics?.status}`
    },
  ],
]

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** @param {number} port @param {import('node:child_process').ChildProcess} child */
async function listening(port, child) {
  for (let tries = 0; tries < 50; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    const answered = await ask(port, '', { method: 'GET', path: '/healthz' }).catch(() => null)
    if (answered?.status === 200) return
    await sleep(100)
  }
  throw new Error('it did not answer within 5 s')
}

/** @param {string} name @param {(place: Place) => { command: string, args: string[] }} proxy @param {Omit<Place, 'port'>} place @param {Simulator} simulator */
async function tryProxy(name, proxy, place, simulator) {
  const folder = join(place.folder, name)
  mkdirSync(folder)
  const port = await freePort()
  const { command, args } = proxy({ ...place, folder, port })
  const version = spawnSync(command, [name === 'nginx' ? '-v' : 'version'], { encoding: 'utf8' })
  if (version.error !== undefined) {
    console.log(`${name} is not installed; on Debian: apt-get install nginx-light caddy`)
    return 1
  }
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder } })
  let said = ''
  child.stderr.on('data', (chunk) => (said = `${said}${chunk}`.slice(-4000)))
  let failed = 0
  try {
    await listening(port, child)
    for (const [title, trial] of trials) {
      const wrong = await trial(port, simulator)
      const isKnown = known.some((one) => one.proxy === name && one.version.test(version.stdout) && one.title === title)
      console.log(`${wrong === null ? 'ok    ' : isKnown ? 'known ' : 'FAILED'} ${name}: ${title}${wrong === null ? '' : ` (${wrong})`}`)
      if (wrong !== null && !isKnown) failed++
    }
  } catch (error) {
    failed++
    console.log(`FAILED ${name}: ${error instanceof Error ? error.message : String(error)}\n${said}`)
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
  }
  return failed
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-proxies-'))
  const certificate = join(folder, 'cert.pem')
  const certificateKey = join(folder, 'key.pem')
  const making = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1'.split(' ')
  const made = spawnSync('openssl', [...making, '-keyout', certificateKey, '-out', certificate], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`openssl makes no certificate here: ${made.error?.message ?? made.stderr}`)
  const simulator = await startSimulator({ keys: Object.fromEntries(Object.entries(parts).map(([name, plays]) => [`key-${name}`, plays])) })
  const file = join(folder, 'turnout.yaml')
  writeFileSync(file, JSON.stringify(configuration(simulator.url)))
  const opened = await createGateway({ file, environment: {}, overrides: { host: '127.0.0.1', port: 0 }, log: createLog('silent') })
  if (opened.kind === 'failed') throw new Error(opened.sentences.join('\n'))
  const place = { folder, gateway: new URL(opened.gateway.url).host, certificate, certificateKey }
  let failed = 0
  for (const [name, proxy] of Object.entries({ nginx, caddy })) failed += await tryProxy(name, proxy, place, simulator)
  await opened.gateway.stop()
  await simulator.close()
  rmSync(folder, { recursive: true, force: true })
  process.exitCode = failed === 0 ? 0 : 1
}

await main()
