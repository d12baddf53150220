// Mixed load with random faults, for as long as you like: `npm run soak -- --minutes 10 --seed 1`.
// Starts a gateway as a user would, in front of simulated upstreams of every dialect whose accounts fall ill and recover, and fails when something was not
// handled, when a stream ends cleanly without its terminal event, when memory grows after the second minute, when a lease is out at the end, or when a turn
// is missing from the books.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { faultNames } from '../src/simulator/fault.ts'
import { startSimulator } from '../src/simulator/server.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' }, clients: { type: 'string', default: '48' } },
})
const minutes = Number(values.minutes)
const clients = Number(values.clients)
const seed = Number(values.seed)

/** How much memory may have grown from the third minute to the end: noise of the collector, not a leak. */
const growthMax = 1.15
const sampleMs = 10_000
/** How long a client waits before its next turn, at most. */
const thinkMs = 150
const key = 'soak-client-key-0123456789'
const token = 'soak-admin-token-0123456789'
/** Faults that would keep a slot for minutes say nothing that the others do not. */
const faults = faultNames.filter((name) => !['hang', 'silent', 'none'].includes(name))

/** Mulberry32: the same seed gives the same soak. */
function dice(from) {
  let state = from >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = dice(seed)
const oneOf = (list) => list[Math.floor(random() * list.length)]
/** Accounts, and what their upstreams speak: a third of all turns is translated. */
const dialects = {
  a: ['responses'],
  b: ['responses', 'chat'],
  c: ['chat'],
  d: ['messages'],
  e: ['messages', 'responses'],
  f: ['responses', 'chat', 'messages'],
}
const names = Object.keys(dialects)
/** How clients of each dialect ask, and by what a stream of theirs says that it is over. */
const spoken = [
  {
    path: '/v1/responses',
    asks: (text) => ({ input: [{ role: 'user', content: text }], store: random() < 0.2 }),
    end: /^event: (?:response\.(?:completed|incomplete|failed)|error)$/m,
  },
  { path: '/v1/chat/completions', asks: (text) => ({ messages: [{ role: 'user', content: text }] }), end: /^data: \[DONE\]$/m },
  { path: '/v1/messages', asks: (text) => ({ messages: [{ role: 'user', content: text }], max_tokens: 1000 }), end: /^event: message_stop$/m },
]
/** How much of the end of an answer is looked at. Unit: characters. */
const tailMax = 65_536

function configuration(url) {
  const account = (name, i) => ({
    name,
    upstream: 'openai-compatible',
    base_url: url,
    allow_private: true,
    credential: { api_key: `soak-${name}` },
    dialects: dialects[name],
    models: i % 2 === 0 ? { alias: 'base-model' } : {},
    priority: 10 + (i % 2),
    concurrency: 16,
  })
  return {
    server: { port: 0 },
    accounts: names.map(account),
    pools: [{ name: 'all', accounts: names }],
    keys: [{ name: 'soak', key, pools: ['all'] }],
    translate: 'always',
    admin: { token },
    times: { first_event: '3s', between_events: '3s', keep_alive: '1s' },
    failover: { patience: '2s', budget_percent: 100 },
    log: { level: 'info' },
  }
}

async function startGateway(folder, url) {
  const file = join(folder, 'turnout.yaml')
  await writeFile(file, JSON.stringify(configuration(url)))
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'src', 'main.ts'), 'serve', '--config', file, '--data', join(folder, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const trouble = []
  let rest = ''
  child.stderr.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (/"level":"error"|unhandled|a bug/i.test(line) && trouble.length < 20) trouble.push(line)
  })
  const port = await new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      const found = /127\.0\.0\.1:(\d+)/.exec(text)
      if (found) resolve(Number(found[1]))
    })
    child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${rest}`)))
  })
  return { child, port, trouble }
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
const counts = { turns: 0, whole: 0, told: 0, cut: 0, left: 0 }
/** Streams that ended as if all were well, and said nothing of an end. */
const endless = []

function body(asks, stream) {
  const size = oneOf([100, 1000, 4000, 50_000])
  return JSON.stringify({
    model: oneOf(['alias', 'gpt-5.5', 'other-model']),
    ...asks('x'.repeat(size)),
    stream,
    ...(random() < 0.3 ? { service_tier: oneOf(['fast', 'flex', 'priority', 'turbo']) } : {}),
  })
}

/** One turn, which the client may leave in the middle. Resolves whatever happens to it. */
function turn(port) {
  return new Promise((resolve) => {
    const { path, asks, end } = oneOf(spoken)
    const stream = random() < 0.7
    const text = body(asks, stream)
    let tail = ''
    const leaves = random() < 0.05
    let isOver = false
    const over = (how) => {
      if (isOver) return
      isOver = true
      counts.turns++
      counts[how]++
      resolve(undefined)
    }
    const asked = request({
      agent,
      port,
      host: '127.0.0.1',
      method: 'POST',
      path,
      headers: {
        authorization: `Bearer ${key}`,
        'anthropic-version': '2023-06-01',
        'x-session-id': oneOf(['t1', 't2', 't3', 't4']),
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      },
    })
    asked.on('error', () => over(leaves ? 'left' : 'cut'))
    asked.on('response', (answer) => {
      answer.on('data', (chunk) => {
        if (leaves) asked.destroy()
        tail = (tail + chunk.toString('latin1')).slice(-tailMax)
      })
      answer.on('error', () => over(leaves ? 'left' : 'cut'))
      answer.on('end', () => {
        const isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream')
        // Who left may still be given what had come by then.
        if (answer.statusCode === 200 && isStream && !leaves && !end.test(tail)) endless.push(`${path}: ${JSON.stringify(tail.slice(-300))}`)
        over(answer.statusCode === 200 ? 'whole' : 'told')
      })
      answer.on('close', () => over(leaves ? 'left' : 'cut'))
    })
    asked.end(text)
  })
}

async function client(port, untilMs) {
  while (Date.now() < untilMs) {
    await turn(port)
    // Paced, so that the load is the same whatever else the machine does, and memory can be compared.
    await new Promise((resolve) => setTimeout(resolve, random() * thinkMs))
  }
}

/** Accounts fall ill, one at most at a time in the worst way, and recover. */
function plague(simulator) {
  for (const name of names) {
    const ill = random() < 0.3
    const fault = oneOf(faults)
    const chance = random()
    simulator.set(`soak-${name}`, {
      label: name,
      deltas: oneOf([2, 6, 40]),
      paceMs: oneOf([0, 0, 5]),
      ...(ill ? { faults: [{ fault, chance, ms: 200, megabytes: 1, resetsInSeconds: 2 }] } : {}),
    })
  }
}

/** One request to the admin API; its answer as text. */
function ask(port, method, path) {
  return new Promise((resolve, reject) => {
    const asked = request({ agent, port, host: '127.0.0.1', method, path, headers: { authorization: `Bearer ${token}` }, timeout: 10_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk) => (text += chunk))
      answer.on('end', () => resolve(text))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}

async function recover(port) {
  for (const name of names) await ask(port, 'POST', `/admin/api/accounts/${name}/reset`)
}

const megabytes = (pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
const sum = (text, name) => [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((total, [, value]) => total + Number(value), 0)

const folder = await mkdtemp(join(tmpdir(), 'turnout-soak-'))
const simulator = await startSimulator({ dice: random })
const gateway = await startGateway(folder, simulator.url)
const { pid } = gateway.child
const failures = []
try {
  console.log(`soaking for ${minutes} minutes, seed ${seed}, ${clients} clients`)
  const startedAtMs = Date.now()
  const untilMs = startedAtMs + minutes * 60_000
  const series = []
  const illness = setInterval(() => plague(simulator), 2000)
  const rescue = setInterval(() => void recover(gateway.port).catch(() => {}), 5_000)
  const sampling = setInterval(() => {
    const sample = { seconds: Math.round((Date.now() - startedAtMs) / 1000), megabytes: Math.round(megabytes(pid)) }
    series.push(sample)
    console.log(`${String(sample.seconds).padStart(4)} s  ${String(sample.megabytes).padStart(4)} MB  ${JSON.stringify(counts)}`)
  }, sampleMs)
  plague(simulator)
  await Promise.all(Array.from({ length: clients }, () => client(gateway.port, untilMs)))
  for (const timer of [illness, rescue, sampling]) clearInterval(timer)
  await new Promise((resolve) => setTimeout(resolve, 4000))

  const metrics = await ask(gateway.port, 'GET', '/metrics')
  const leases = sum(metrics, 'turnout_leases')
  const recorded = sum(metrics, 'turnout_turns_total')
  const lag = sum(metrics, 'turnout_ledger_lag_records')
  const afterSecond = series.filter(({ seconds }) => seconds >= 120).map((sample) => sample.megabytes)
  const third = Math.max(1, Math.floor(afterSecond.length / 3))
  const growth = afterSecond.length < 6 ? 1 : median(afterSecond.slice(-third)) / median(afterSecond.slice(0, third))
  console.log(`\nmemory, MB: ${series.map((sample) => sample.megabytes).join(' ')}`)
  console.log(`growth after the second minute: ${growth.toFixed(3)}${afterSecond.length < 6 ? ' (too short to tell)' : ''}`)
  console.log(`turns ${counts.turns}, recorded ${recorded}, leases out ${leases}, not yet on disk ${lag}`)
  if (leases !== 0) failures.push(`${leases} leases are out at the end`)
  if (lag !== 0) failures.push(`${lag} records are not on disk at the end`)
  if (recorded < counts.whole) failures.push(`${counts.whole} answers came whole, and only ${recorded} turns are recorded`)
  if (endless.length > 0) failures.push(`${endless.length} streams ended cleanly and without an end:\n${endless.slice(0, 5).join('\n')}`)
  if (growth > growthMax) failures.push(`memory grew ${growth.toFixed(2)}-fold after the second minute`)
  if (gateway.child.exitCode !== null) failures.push(`the gateway ended with ${gateway.child.exitCode}`)
  if (gateway.trouble.length > 0) failures.push(`the log has errors:\n${gateway.trouble.join('\n')}`)
} finally {
  const ended = new Promise((resolve) => gateway.child.once('exit', resolve))
  gateway.child.kill('SIGTERM')
  if (gateway.child.exitCode === null) await ended
  agent.destroy()
  await simulator.close()
  await rm(folder, { recursive: true, force: true })
}
console.log(failures.length === 0 ? 'the soak is clean' : `the soak FAILED:\n${failures.join('\n')}`)
process.exit(failures.length === 0 ? 0 : 1)
