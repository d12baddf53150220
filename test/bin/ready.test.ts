import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { isInStep, whyInstallFailed } from '../../scripts/ready.mjs'
import { root } from '../support/tree.ts'

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnout ready-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

interface Locked {
  readonly version: string
  readonly integrity: string
  readonly optional?: boolean
}
const lock = (packages: Readonly<Record<string, Locked>>) => JSON.stringify({ lockfileVersion: 3, packages: { '': { name: 'turnout' }, ...packages } })
const ws = { version: '8.0.0', integrity: 'sha512-a' }

describe('what is installed is in step with the lock', () => {
  const installed = (present: Readonly<Record<string, Locked>>) =>
    folderWith({ 'package-lock.json': lock({ 'node_modules/ws': ws }), 'node_modules/.package-lock.json': lock(present) })

  test('when every package is there as locked', () => {
    expect(isInStep(installed({ 'node_modules/ws': ws }))).toBe(true)
  })
  test('not when a package is missing', () => {
    expect(isInStep(installed({}))).toBe(false)
  })
  test('not when a package is there in another version', () => {
    expect(isInStep(installed({ 'node_modules/ws': { ...ws, version: '7.0.0' } }))).toBe(false)
  })
  test('not when a package has another content', () => {
    expect(isInStep(installed({ 'node_modules/ws': { ...ws, integrity: 'sha512-b' } }))).toBe(false)
  })
  test('not when nothing was ever installed', () => {
    expect(isInStep(folderWith({ 'package-lock.json': lock({}) }))).toBe(false)
  })
  test('not when what is there cannot be read', () => {
    expect(isInStep(folderWith({ 'package-lock.json': lock({}), 'node_modules/.package-lock.json': '{' }))).toBe(false)
  })
  test('although what belongs to another platform is missing', () => {
    const other = { 'node_modules/win': { version: '1.0.0', integrity: 'sha512-c', optional: true } }
    expect(isInStep(folderWith({ 'package-lock.json': lock(other), 'node_modules/.package-lock.json': lock({}) }))).toBe(true)
  })
  test('in this very folder', () => {
    expect(isInStep(root)).toBe(true)
  })
})

describe("npm's failure in one sentence", () => {
  test.each([
    [
      'no network',
      'npm error code ENOTFOUND\nnpm error network request to https://x failed',
      /^the package registry cannot be reached.*npm says: code ENOTFOUND/,
    ],
    ['the words of an older npm', 'npm ERR! code EAI_AGAIN', /cannot be reached/],
    ['a network that refuses', 'npm warn x\nnpm error code ECONNREFUSED\nnpm error errno ECONNREFUSED', /cannot be reached/],
    ['a proxy that opens TLS', 'npm error code SELF_SIGNED_CERT_IN_CHAIN', /certificate is not trusted/],
    ['a folder that is not writable', 'npm error code EACCES\nnpm error syscall mkdir', /may not be written by this user/],
    ['a read-only disk', 'npm error code EROFS', /may not be written/],
    ['a full disk', 'npm error code ENOSPC', /disk is full/],
    ['a registry that wants a sign-in', 'npm error code E401', /sign-in/],
    ['a registry without the version', 'npm error code ETARGET', /does not have a version/],
    ['an altered package', 'npm error code EINTEGRITY', /not the one that the lock file names/],
    ['a lock that does not fit', 'npm error code EUSAGE', /do not fit each other/],
    ['something unknown, in its own last words', 'npm error A\nnpm error B\nnpm error C\nnpm error D', /^npm failed\. \(npm says: B, C, D\)$/],
    ['silence', '', /^npm failed\. \(npm says: nothing\)$/],
  ])('%s', (_title, output, sentence) => {
    expect(whyInstallFailed(output)).toMatch(sentence)
  })
})

describe('npm start on a fresh clone', () => {
  /** A clone whose npm is this script. */
  const cloneWith = (npm: string): string => {
    const folder = folderWith({
      'package.json': '{"type":"module"}',
      'package-lock.json': lock({ 'node_modules/ws': ws }),
      'npm/npm-cli.cjs': npm,
      'src/main.ts': 'console.log(`runs ${process.argv.slice(2)}`)',
    })
    for (const part of ['bin', 'scripts']) cpSync(join(root, part), join(folder, part), { recursive: true })
    return folder
  }
  const start = (folder: string, script = 'start') =>
    spawnSync(process.execPath, [join(folder, 'scripts', `${script}.mjs`), '--port', '0'], {
      cwd: tmpdir(),
      encoding: 'utf8',
      env: { ...process.env, npm_execpath: join(folder, 'npm', 'npm-cli.cjs'), npm_node_execpath: process.execPath },
    })
  const install = (packages: Readonly<Record<string, Locked>>) =>
    `const fs = require('fs'); fs.mkdirSync('node_modules', { recursive: true }); fs.writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(lock(packages))}); fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')`

  test('installs, then serves with the arguments that were given', () => {
    const folder = cloneWith(install({ 'node_modules/ws': ws }))
    const first = start(folder)
    expect(first.stderr).toBe('')
    expect(first.stdout).toMatch(/installing the packages[^]*installed in \d+ s\nruns serve,--port,0\n$/)
  })

  test('installs nothing when all is there', () => {
    const folder = cloneWith(install({ 'node_modules/ws': ws }))
    start(folder)
    expect(start(folder).stdout).toBe('runs serve,--port,0\n')
  })

  test('says in one sentence why the packages could not be installed', () => {
    const ended = start(cloneWith(`console.error('npm error code ENOTFOUND'); process.exit(1)`))
    expect(ended.status).toBe(1)
    expect(ended.stderr).toMatch(/^turnout: the packages could not be installed: the package registry cannot be reached.*Then run the same command again\.\n$/)
  })

  test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('says that the folder is not writable, before it tries', () => {
    const folder = cloneWith(install({ 'node_modules/ws': ws }))
    chmodSync(folder, 0o555)
    const ended = start(folder)
    chmodSync(folder, 0o755)
    expect(ended.status).toBe(1)
    expect(ended.stderr).toMatch(/the folder .* is not writable for this user\. Make it writable, or copy Turnout/)
  })

  test('says so when the tests cannot be installed either', () => {
    const ended = start(cloneWith(`console.error('npm error code ENOSPC'); process.exit(1)`), 'test')
    expect(ended.status).toBe(1)
    expect(ended.stderr).toMatch(/the disk is full/)
  })
})
