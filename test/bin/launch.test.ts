import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../support/tree.ts'

const folders: string[] = []
const running = new Set<ChildProcess>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A package, in a folder with a space in its name, that has our launcher and these files. */
function packageWith(files: Readonly<Record<string, string>>, above = ''): string {
  const top = mkdtempSync(join(tmpdir(), 'turnout bin-'))
  folders.push(top)
  const folder = join(top, above)
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

/** Puts this test's own Node where npm puts the pinned one. */
function pinNode(modules: string, version = process.versions.node): void {
  const folder = join(modules, `node-${platform}`)
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ version, bin: { node: 'bin/node' } }))
  symlinkSync(process.execPath, join(folder, 'bin', 'node'))
}

interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Run>
  /** Resolves when this text has been printed. */
  readonly says: (text: string) => Promise<void>
}

function start(folder: string, args: readonly string[] = [], nodeVersion: string | null = null): Started {
  const env: NodeJS.ProcessEnv = { ...process.env }
  delete env.NODE_COMPILE_CACHE
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${nodeVersion}' } })`
  const before = nodeVersion === null ? [] : ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
  const child = spawn(process.execPath, [...before, join(folder, 'bin', 'turnout.mjs'), ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (err += text))
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => {
    running.delete(child)
    return { code, signal, out, err } as Run
  })
  const says = async (text: string): Promise<void> => {
    while (!out.includes(text)) await once(child.stdout, 'data')
  }
  return { child, ended, says }
}

const tellArgs = `console.log(JSON.stringify({ args: process.argv.slice(2), pretends: process.versions.node === '20.20.2', file: import.meta.filename }))`
const run = (folder: string, args: readonly string[] = [], nodeVersion: string | null = null) => start(folder, args, nodeVersion).ended
const told = ({ out }: Run) => JSON.parse(out) as { args: string[]; pretends: boolean; file: string }

describe('the launcher', () => {
  let source: string
  beforeAll(() => {
    source = packageWith({ 'src/main.ts': `const wanted: string = 'typed'\nvoid wanted\n${tellArgs}` })
    pinNode(join(source, 'node_modules'))
  })

  test('runs the source where there is one, with every argument as it was', async () => {
    const ended = await run(source, ['serve', '--config', 'a b.yaml'])
    expect(told(ended)).toEqual({ args: ['serve', '--config', 'a b.yaml'], pretends: false, file: join(source, 'src', 'main.ts') })
    expect(ended).toMatchObject({ code: 0, err: '' })
  })

  test('runs what was built where there is no source', async () => {
    const built = packageWith({ 'dist/main.js': tellArgs })
    expect(told(await run(built)).file).toBe(join(built, 'dist', 'main.js'))
  })

  test('goes over to the pinned Node when it is started by an older one', async () => {
    expect(told(await run(source, ['check'], '20.20.2'))).toEqual({ args: ['check'], pretends: false, file: join(source, 'src', 'main.ts') })
  })

  test('finds the pinned Node beside the package too, where npm puts it when Turnout is installed elsewhere', async () => {
    const installed = packageWith({ 'dist/main.js': tellArgs }, 'node_modules/turnout')
    pinNode(dirname(installed))
    expect(told(await run(installed, [], '20.20.2')).pretends).toBe(false)
    expect(readdirSync(dirname(installed))).toContain('.cache')
  })

  test('keeps compiled code below the nearest node_modules', async () => {
    await run(source, ['serve'])
    expect(readdirSync(join(source, 'node_modules', '.cache', 'turnout'))).not.toEqual([])
  })

  test('says what to do when there is no Node that will do', async () => {
    const ended = await run(packageWith({ 'dist/main.js': tellArgs }), [], '22.9.0')
    expect(ended).toMatchObject({ code: 2, out: '' })
    expect(ended.err).toMatch(/this is Node 22\.9\.0, Turnout runs on 24\.15 or newer.*npm ci --include=optional.*nodejs\.org/)
  })

  test('does not take a pinned Node that is too old', async () => {
    const old = packageWith({ 'dist/main.js': tellArgs })
    pinNode(join(old, 'node_modules'), '24.14.9')
    expect(await run(old, [], '20.20.2')).toMatchObject({ code: 2 })
  })

  test.each(['12.22.12', '18.20.8', '19.9.0'])('says that Node %s is too old', async (version) => {
    const ended = await run(source, [], version)
    expect(ended).toMatchObject({ code: 2, out: '' })
    expect(ended.err).toBe(
      `turnout: this is Node ${version}, and Turnout needs Node 20 or newer. Install a newer one (https://nodejs.org) and run the same command again.\n`,
    )
  })

  test('names a package that is not installed', async () => {
    const ended = await run(packageWith({ 'src/main.ts': `import 'no-such-package'` }))
    expect(ended.code).toBe(2)
    expect(ended.err).toMatch(/the package 'no-such-package' is not installed\. Run `npm ci --ignore-scripts`/)
  })

  test('lets a fault of the program be seen whole', async () => {
    const ended = await run(packageWith({ 'src/main.ts': `throw new Error('broken')` }))
    expect(ended.code).toBe(1)
    expect(ended.err).toMatch(/Error: broken[^]*main\.ts:1/)
  })
})

describe.skipIf(process.platform === 'win32')('over a child, the launcher', () => {
  const waiting = `const alive = setInterval(() => {}, 1000)\nfor (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { console.log('got ' + signal) })\nprocess.on('SIGTERM', () => { clearInterval(alive); process.exitCode = 7 })\nconsole.log('ready')`
  let folder: string
  beforeAll(() => {
    folder = packageWith({ 'dist/main.js': waiting })
    pinNode(join(folder, 'node_modules'))
  })

  test('passes signals on and ends with the exit code of the child', async () => {
    const { child, ended, says } = start(folder, [], '20.20.2')
    await says('ready')
    child.kill('SIGINT')
    await says('got SIGINT')
    child.kill('SIGHUP')
    await says('got SIGHUP')
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 7, signal: null })
  })

  test('dies of the signal of which the child died', async () => {
    const killed = packageWith({ 'dist/main.js': `process.kill(process.pid, 'SIGKILL')` })
    pinNode(join(killed, 'node_modules'))
    expect(await run(killed, [], '20.20.2')).toMatchObject({ code: null, signal: 'SIGKILL' })
  })
})
