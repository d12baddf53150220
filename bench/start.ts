import { spawn, type ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { dirname, join } from 'node:path'

// From the spawn of a process to the last byte of its first turn: what someone waits who starts it.

const root = dirname(import.meta.dirname)
const key = 'bench-client-key-0123456789'

/** Median of so many starts; one more before them fills the folder of the data and the cache of compiled code. */
const starts = 10
const startMsMax = 500
/** Starting npm, and the checks of its script, come on top: this many starts tell. */
const npmStarts = 3
const giveUpMs = 30_000

export async function printStart(folder: string): Promise<void> {
  const file = join(folder, 'start.yaml')
  const configuration = {
    server: { host: '127.0.0.1', port: 0 },
    accounts: [{ name: 'simulated', upstream: 'simulator' }],
    pools: [{ name: 'p', accounts: ['simulated'] }],
    keys: [{ name: 'bench', key, pools: ['p'] }],
    admin: { token: 'bench-admin-token-0123456789' },
  }
  await writeFile(file, JSON.stringify(configuration))
  const rest = ['--config', file, '--data', join(folder, 'data-start')]
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compile-cache') }
  const byNode = (): ChildProcess =>
    spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', ...rest], { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] })
  const byNpm = (): ChildProcess => spawn('npm', ['start', '--', ...rest], { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'], detached: true })

  console.log('\nfrom the spawn to the last byte of the first turn')
  await firstTurn(byNode())
  const direct = await median(byNode, starts)
  console.log(
    `  ${'src/main.ts serve'.padEnd(24)} ${direct.toFixed(0).padStart(9)} ms, median of ${starts}   bound ${startMsMax}: ${direct <= startMsMax ? 'met' : 'MISSED'}`,
  )
  console.log(`  ${'npm start'.padEnd(24)} ${(await median(byNpm, npmStarts)).toFixed(0).padStart(9)} ms, median of ${npmStarts}`)
}

async function median(start: () => ChildProcess, times: number): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < times; i++) took.push(await firstTurn(start()))
  return took.toSorted((a, b) => a - b)[Math.floor(times / 2)] ?? NaN
}

/** Milliseconds from now, the process having just been spawned. Ends it and waits for that. */
async function firstTurn(child: ChildProcess): Promise<number> {
  const beganAt = performance.now()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // npm starts children of its own: those are told too, as a terminal would.
  const tell = (signal: NodeJS.Signals): void =>
    void (child.spawnargs[0] === 'npm' && child.pid !== undefined ? process.kill(-child.pid, signal) : child.kill(signal))
  const late = setTimeout(() => tell('SIGKILL'), giveUpMs)
  try {
    await turn(await addressOf(child))
    return performance.now() - beganAt
  } finally {
    tell('SIGTERM')
    await ended
    clearTimeout(late)
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0]
      if (url !== undefined) resolve(url)
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code} before it listened: ${text}`)))
  })
}

function turn(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const asking = request(`${url}/v1/responses`, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume()
      answer.once('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`the first turn was answered ${answer.statusCode}`))))
      answer.once('error', reject)
    })
    asking.once('error', reject)
    asking.end('{"model":"gpt-5.5","input":"Hello","stream":true}')
  })
}
