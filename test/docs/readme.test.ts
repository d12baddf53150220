import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { contract } from '../../src/admin/contract.ts'
import { run } from '../../src/cli/program.ts'
import type { Surroundings } from '../../src/cli/surroundings.ts'
import { parseConfiguration, type Loaded } from '../../src/config/load.ts'
import { serverLimits } from '../../src/server/server.ts'
import { gatewayOfThisFile, laptopKey } from '../support/gateway.ts'
import { filesBelow, read, root } from '../support/tree.ts'

const readme = read('README.md')

/** What stands in the fences of this language. */
const snippets = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text ?? '')

function only(language: string): string {
  const [first, ...others] = snippets(language)
  expect(others).toEqual([])
  return first ?? ''
}

const environment = { OPENAI_API_KEY: 'sk-one', BACKUP_API_KEY: 'sk-two', TURNOUT_KEY: 'tk-one', TURNOUT_ADMIN_TOKEN: 'at-one' }

function settings(): Extract<Loaded, { kind: 'loaded' }>['configuration'] {
  const loaded = parseConfiguration('README.md', only('yaml'), environment)
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(({ sentence }) => sentence).join('\n'))
  return loaded.configuration
}

describe('the configuration of the README', () => {
  test('is valid, with the secrets that it names in the environment', () => {
    expect(settings().accounts.map(({ name, priority }) => [name, priority])).toEqual([
      ['main', 1],
      ['backup', 2],
    ])
  })
})

describe('the proxies of the README', () => {
  const seconds = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1] ?? NaN)

  test('wait longer for a whole answer than the gateway does', () => {
    expect(seconds(/proxy_read_timeout (\d+)s;/, only('nginx')) * 1000).toBeGreaterThan(settings().times.answer)
  })
  test('take bodies as large as the gateway does', () => {
    expect(seconds(/client_max_body_size (\d+)m;/, only('nginx')) * 1024 * 1024).toBe(settings().bounds.body)
  })
  test('keep connections for a shorter time than the gateway, so that none is used while it closes', () => {
    expect(seconds(/keepalive (\d+)s/, only('caddyfile')) * 1000).toBeLessThan(serverLimits.keepAliveMs)
  })
})

describe('the clients of the README', () => {
  const scene = gatewayOfThisFile()

  test.each(snippets('js').map((code) => [/import (\w+)/.exec(code)?.[1], code] as const))('in JavaScript get an answer: %s', async (_client, snippet) => {
    const { gateway } = await scene({ accounts: { a: {} } })
    const code = snippet.replace('http://127.0.0.1:8080', gateway.url)
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: root, env: { TURNOUT_KEY: laptopKey } })
    expect(stdout).toContain('Say hello.')
  })

  test('with curl ask for a stream that is there', async () => {
    const stage = await scene({ accounts: { a: {} } })
    const body = /-d '(\{[^']+\})'/.exec(snippets('sh').join('\n'))?.[1] ?? ''
    const answer = await stage.ask(body)
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect(answer.text).toContain('Say hello.')
  })
})

describe('the screens of the README', () => {
  test('name every endpoint of the admin API, and no other', () => {
    const rows = [...readme.matchAll(/^\| (`(?:GET|POST|DELETE) \/admin\/api.+?) \|/gm)].map(([, cell]) => cell ?? '')
    const said = rows.flatMap((cell) => {
      const [first = '', ...others] = [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '')
      const [method = '', path = ''] = first.split(' ')
      return [first, ...others.map((other) => (other.startsWith('/') ? `${method} ${path.replace(/\/[^/]+$/, other)}` : `${other} ${path}`))]
    })
    const there = Object.values(contract).map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    expect(said.toSorted()).toEqual(there.toSorted())
  })

  test('name every command, and no other', async () => {
    const said = [...readme.matchAll(/^\| `turnout ([a-z ]+?)(?: [A-Z]+)?` \|/gm)].map(([, words]) => words ?? '')
    const commands = (await helpOf([])).flatMap((name) => (name === 'help' ? [] : [name]))
    const below = await Promise.all(
      commands.map(async (name) => {
        const subs = (await helpOf([name])).filter((sub) => sub !== 'help')
        return subs.length === 0 ? [name] : subs.map((sub) => `${name} ${sub}`)
      }),
    )
    expect(said.toSorted()).toEqual(below.flat().toSorted())
  })
})

test('the changelog names every metric, and no other', () => {
  const there = new Set(filesBelow('src/observe').flatMap((file) => [...read(file).matchAll(/'(turnout_\w+)'/g)].map(([, name]) => name)))
  const said = new Set([...read('CHANGELOG.md').matchAll(/`(turnout_\w+)`/g)].map(([, name]) => name))
  expect(there.size).toBeGreaterThan(10)
  expect(said).toEqual(there)
})

/** The commands that a help text lists. */
async function helpOf(words: readonly string[]): Promise<readonly string[]> {
  let text = ''
  const surroundings: Surroundings = {
    environment: {},
    out: (more) => (text += more),
    err: () => undefined,
    paint: (_colour, plain) => plain,
    onSignal: () => undefined,
  }
  expect(await run([...words, '--help'], surroundings)).toBe(0)
  const listed = text.split('Commands:\n')[1] ?? ''
  return [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name ?? '')
}
