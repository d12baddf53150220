import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

export interface Calls {
  readonly reads: number
  readonly writes: number
}

/** A program under measurement: it listens on `port` and is known by the processes that make it up. */
export interface Program {
  readonly name: string
  readonly port: number
  /** CPU seconds of all its processes and threads so far. */
  cpuSeconds(): number
  /** Resident memory of all its processes. Unit: bytes. */
  memoryBytes(): number
  /** System calls of the thread that serves, so far. */
  calls(): Calls
  stop(): Promise<void>
}

/** Starts a Node program that prints a line with its address. */
export async function startNode(name: string, args: readonly string[], ready: RegExp): Promise<Program> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const port = await portOf(name, child, ready)
  return programOf(name, child, port)
}

export const missingNginx = 'nginx is needed to compare with: install it with "apt-get install nginx-light".'

/** Starts an nginx of our own, with one worker. @param servers the inside of its `http` block, given the port to listen on. */
export async function startNginx(name: string, folder: string, servers: (port: number) => string): Promise<Program> {
  const port = await freePort()
  if (spawnSync('nginx', ['-v']).error !== undefined) throw new Error(missingNginx)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'nginx.conf')
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join(' ')
  await writeFile(
    file,
    `daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log ${join(folder, 'error.log')};
events { worker_connections 8192; }
http { access_log off; ${temps} keepalive_requests 100000000; keepalive_timeout 600s; client_max_body_size 64m; client_body_buffer_size 1m; ${servers(port)} }\n`,
  )
  const child = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  await untilListening(name, child, port)
  return programOf(name, child, port)
}

function programOf(name: string, child: ChildProcess, port: number): Program {
  const pid = child.pid ?? 0
  return {
    name,
    port,
    cpuSeconds: () => family(pid).reduce((sum, id) => sum + busyNs(id), 0) / 1e9,
    memoryBytes: () => family(pid).reduce((sum, id) => sum + resident(id), 0),
    calls: () => calls(pid),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

function portOf(name: string, child: ChildProcess, ready: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (chunk: Buffer): void => {
      text += chunk.toString('utf8')
      const port = ready.exec(text)?.[1]
      if (port !== undefined) resolve(Number(port))
    }
    child.stdout?.on('data', read)
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString('utf8')).slice(-2000)))
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it listened: ${text}${errors}`)))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function untilListening(name: string, child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${name} does not listen on ${port}`)
}

/** A process and its children; threads count in each. */
function family(pid: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(Number(name)) === pid)
  return [pid, ...children.map(Number)]
}

function stat(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

function parentOf(pid: number): number {
  return Number(stat(pid)?.[1] ?? 0)
}

/** Of all its threads, from the scheduler's own clock: the counts of `stat` are in hundredths of a second. Unit: nanoseconds. */
function busyNs(pid: number): number {
  const folder = `/proc/${pid}/task`
  return readdirSync(folder).reduce((sum, thread) => sum + Number(readFileSync(join(folder, thread, 'schedstat'), 'latin1').split(' ', 1)[0]), 0)
}

function resident(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}

/** `write` and its like; `send` is not counted, which nginx uses. */
function calls(pid: number): Calls {
  const text = readFileSync(`/proc/${pid}/task/${pid}/io`, 'latin1')
  return { reads: Number(/^syscr: (\d+)/m.exec(text)?.[1] ?? NaN), writes: Number(/^syscw: (\d+)/m.exec(text)?.[1] ?? NaN) }
}
