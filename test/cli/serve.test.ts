import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { untilTold } from '../../src/cli/serve.ts'
import type { Gateway } from '../../src/index.ts'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { startSimulator } from '../../src/simulator/server.ts'
import { root } from '../support/tree.ts'
import { Captured, configured, folder, trial } from './support.ts'

const main = join(root, 'src', 'main.ts')

/** The program as a process of its own, ended with the test at the latest. */
class Process {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  out = ''
  err = ''
  #heard: () => void = () => undefined

  constructor(words: readonly string[], cwd: string) {
    this.child = spawn(process.execPath, [main, ...words], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
      this.#heard()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text
      this.#heard()
    })
    this.ended = once(this.child, 'close').then(([code]) => code as number | null)
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  /** What it prints that fits, as soon as it is there. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      this.#heard = () => {
        const match = pattern.exec(this.out) ?? pattern.exec(this.err)
        if (match !== null) resolve(match)
      }
      this.#heard()
    })
    const silence = this.ended.then((code) => {
      throw new Error(`it ended with ${code} and never said ${pattern}: ${this.out}${this.err}`)
    })
    return Promise.race([found, silence])
  }
}

const run = async (words: readonly string[], cwd: string) => {
  const started = new Process(words, cwd)
  return { exit: await started.ended, out: started.out, err: started.err }
}

/** What the printed curl does, by its own words. */
async function paste(curl: string): Promise<{ readonly status: number; readonly text: string }> {
  const [, url = '', authorization = '', body = ''] =
    /^curl -N (\S+) -H "authorization: ([^"]+)" -H "content-type: application\/json" -d '([^']+)'$/.exec(curl) ?? []
  const asking = request(url, { method: 'POST', agent: false, headers: { authorization, 'content-type': 'application/json' } }).end(body)
  const [response] = (await once(asking, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return { status: response.statusCode ?? 0, text }
}

describe('serve', () => {
  test('in an empty folder writes a trial, prints a curl that shows the failover, and how to see why', async () => {
    const cwd = folder()
    const server = new Process(['serve', '--port', '0'], cwd)
    const [curl] = await server.says(/^curl .*$/m)
    await server.says(/turns show ID/)
    expect(server.out).toContain(`It wrote ${join(cwd, 'turnout.yaml')}`)
    expect(server.out).toContain(`The admin token is ${readFileSync(join(cwd, 'data', 'admin.token'), 'utf8').trim()}`)
    const answer = await paste(curl)
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('Hello from trial-second')
    expect(answer.text).toContain('response.completed')

    const { turns } = JSON.parse((await run(['turns', 'list', '--json'], cwd)).out) as { turns: { id: string }[] }
    const shown = await run(['turns', 'show', turns[0]?.id ?? ''], cwd)
    expect(shown.out).toMatch(/1\. trial-first answered 429 usage_limit_reached/)
    expect(shown.out).toMatch(/2\. trial-second answered with gpt-5\.5/)

    const second = await run(['serve', '--port', '0'], cwd)
    expect(second.exit).toBe(1)
    expect(second.err).toContain(`process ${server.child.pid}`)

    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(existsSync(join(cwd, 'data', 'turnout.pid'))).toBe(false)
    expect((await run(['check'], cwd)).exit).toBe(0)
  })

  test('of a configuration with its own keys and token prints no secret', async () => {
    const own = 'keys: [{ name: laptop, key: sk-very-secret-1234, pools: [trial] }]\nadmin: { token: admin-very-secret-1234 }\n'
    const file = configured(trial + own)
    const server = new Process(['serve', '--config', file], folder())
    await server.says(/listens on/)
    await server.says(/"msg":"serving"/)
    expect(server.out + server.err).not.toContain('secret')
    server.child.kill('SIGTERM')
    await server.ended
  })

  /** A gateway with one turn on its way to an upstream that plays this fault. */
  async function withOpenTurn(fault: FaultSpec): Promise<{ readonly server: Process; readonly answer: Promise<string> }> {
    const upstream = await startSimulator({ behaviour: { faults: [fault] } })
    onTestFinished(() => upstream.close())
    const accounts = `accounts: [{ name: only, upstream: simulator, base_url: "${upstream.url}" }]\npools: [{ name: p, accounts: [only] }]\n`
    const server = new Process(['serve', '--config', configured(`server: { port: 0 }\n${accounts}`)], folder())
    const [curl] = await server.says(/^curl .*$/m)
    const answer = paste(curl).then(
      ({ text }) => text,
      () => 'cut',
    )
    await expect.poll(() => upstream.received().filter(({ method }) => method === 'POST')).toHaveLength(1)
    return { server, answer }
  }

  test('on SIGTERM lets a running turn finish', async () => {
    const { server, answer } = await withOpenTurn({ fault: 'slow', ms: 500 })
    server.child.kill('SIGTERM')
    await server.says(/finishing the \d+ turns that run|finishing the turn that runs/)
    expect(await answer).toContain('response.completed')
    expect(await server.ended).toBe(0)
  })

  test('on a second SIGINT exits at once', async () => {
    const { server, answer } = await withOpenTurn({ fault: 'hang' })
    server.child.kill('SIGINT')
    await server.says(/press Ctrl-C to stop now/)
    // As a person presses it: again and again, until it has ended.
    const pressing = setInterval(() => server.child.kill('SIGINT'), 60)
    expect(await server.ended).toBe(130)
    clearInterval(pressing)
    expect(await answer).not.toContain('response.completed')
  })

  test('on SIGHUP reads the configuration again, and survives one that is wrong', async () => {
    const file = configured()
    const server = new Process(['serve', '--config', file], folder())
    await server.says(/"msg":"serving"/)
    writeFileSync(file, 'accounts: 1\n')
    server.child.kill('SIGHUP')
    await server.says(/last good one stays/)
    writeFileSync(file, trial)
    server.child.kill('SIGHUP')
    await server.says(/holds from now on/)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })
})

describe('serve says what is wrong, and exits', () => {
  test('with a port that is taken: 1, and names --port', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { exit, out, err } = await run(['serve', '--port', String(port), '--config', configured()], folder())
    expect([exit, out]).toEqual([1, ''])
    expect(err).toMatch(new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken .*--port`))
  })

  test('with a configuration that is wrong: 2, and file, line and column', async () => {
    const { exit, out, err } = await run(['serve', '--config', configured(`${trial}keyz: []\n`)], folder())
    expect([exit, out]).toEqual([2, ''])
    expect(err).toMatch(/turnout\.yaml:6:1: /)
  })

  test.skipIf(process.getuid?.() === 0)('with a folder that is not writable: 1', async () => {
    const cwd = folder()
    chmodSync(cwd, 0o500)
    const { exit, err } = await run(['serve', '--port', '0'], cwd)
    expect(exit).toBe(1)
    expect(err).toContain('not writable')
  })

  test('with a folder that does not exist: 1', async () => {
    const { exit, err } = await run(['serve', '--port', '0', '--config', join(folder(), 'no', 'turnout.yaml')], folder())
    expect(exit).toBe(1)
    expect(err).toContain('its folder does not exist')
  })
})

describe('the program', () => {
  test('prints its help', async () => {
    const { exit, out, err } = await run(['--help'], folder())
    expect([exit, err]).toEqual([0, ''])
    expect(out).toContain('Usage: turnout')
  })

  test('check of a bad file exits 2 with file, line and column', async () => {
    const file = configured('accounts: [{ name: a, upstream: simulator }]\npools: [{ name: p, acounts: [a] }]\n')
    const { exit, out, err } = await run(['check', '--config', file], folder())
    expect([exit, out]).toEqual([2, ''])
    expect(err).toContain(`${file}:2:20: `)
  })
})

describe('signals', () => {
  class FakeGateway implements Gateway {
    readonly url = 'http://127.0.0.1:1'
    readonly trialKey = null
    readonly madeAdminToken = null
    readonly adminTokenFile = null
    readonly wrote = null
    readonly calls: string[] = []
    readonly drained = Promise.withResolvers<void>()
    turnsOpen(): number {
      return 2
    }

    reload(): void {
      this.calls.push('reload')
    }
    drain(): Promise<void> {
      this.calls.push('drain')
      return this.drained.promise
    }
    async stop(): Promise<void> {
      this.calls.push('stop')
    }
  }

  test('many SIGTERMs drain once', async () => {
    const gateway = new FakeGateway()
    const surroundings = new Captured()
    const ended = untilTold(gateway, surroundings)
    surroundings.signal('SIGTERM')
    surroundings.signal('SIGTERM')
    gateway.drained.resolve()
    expect(await ended).toBe(0)
    expect(gateway.calls).toEqual(['drain'])
  })

  test('a SIGINT while it drains stops at once, whoever asked for the drain', async () => {
    const gateway = new FakeGateway()
    const surroundings = new Captured()
    const ended = untilTold(gateway, surroundings)
    surroundings.signal('SIGTERM')
    surroundings.signal('SIGINT')
    expect(await ended).toBe(130)
    expect(gateway.calls).toEqual(['drain', 'stop'])
  })

  test('a SIGINT that comes twice at once, as npm may pass it on, is one', async () => {
    const gateway = new FakeGateway()
    const surroundings = new Captured()
    const ended = untilTold(gateway, surroundings)
    surroundings.signal('SIGINT')
    surroundings.signal('SIGINT')
    gateway.drained.resolve()
    expect(await ended).toBe(0)
    expect(gateway.calls).toEqual(['drain'])
  })

  test('SIGHUP reloads, and it goes on', async () => {
    const gateway = new FakeGateway()
    const surroundings = new Captured()
    void untilTold(gateway, surroundings)
    surroundings.signal('SIGHUP')
    surroundings.signal('SIGHUP')
    expect(gateway.calls).toEqual(['reload', 'reload'])
  })
})
