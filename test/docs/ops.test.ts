import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { run } from '../../src/cli/program.ts'
import { promised } from '../support/metrics.ts'
import { read, root } from '../support/tree.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}

const rules = (parse(read('ops/prometheus-alerts.yaml')) as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(read('ops/grafana-dashboard.json')) as {
  panels: readonly { title: string; type: string; targets?: readonly { expr: string; legendFormat: string }[] }[]
  templating: { list: readonly { name: string; query: string | { query: string } }[] }
}
const page = read('docs/operations.md')

/** Labels that Prometheus adds, or that histograms have. */
const added: ReadonlySet<string> = new Set(['instance', 'job', 'le'])

/** What is wrong with the metrics and labels that an expression names; `up` is Prometheus's own. */
function unknownIn(expr: string): readonly string[] {
  const named = [...expr.matchAll(/\b(turnout_\w+)(?:\{([^}]*)\})?/g)].map(([, name = '', matchers = '']) => ({
    name: name in promised ? name : name.replace(/_(bucket|sum|count)$/, ''),
    labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label ?? ''),
  }))
  if (named.length === 0 && !/\bup\{/.test(expr)) return ['names no metric']
  const known = new Set(named.flatMap(({ name }) => promised[name] ?? []))
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(',').map((label) => label.trim()))
  const isKnown = (label: string) => known.has(label) || added.has(label)
  return [
    ...named.flatMap(({ name, labels }) =>
      promised[name] === undefined
        ? [name]
        : labels.filter((label) => !promised[name]?.includes(label) && !added.has(label)).map((label) => `${name}{${label}}`),
    ),
    ...grouped.filter((label) => !isKnown(label)).map((label) => `by (${label})`),
  ]
}

describe('the alert rules', () => {
  test('are some, each with a name of its own', () => {
    expect(rules.length).toBeGreaterThan(8)
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  })

  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s names metrics and labels that there are, how bad it is, and what to do',
    (alert, { expr, labels, annotations }) => {
      expect(unknownIn(expr)).toEqual([])
      expect(['critical', 'warning', 'info']).toContain(labels.severity)
      expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`)
      const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? '')
      const known = [...added, ...[...expr.matchAll(/\b(turnout_\w+)/g)].flatMap(([, name = '']) => promised[name] ?? [])]
      expect(shown.filter((label) => !known.includes(label))).toEqual([])
    },
  )

  test('are all in the page for the night, which has no other', () => {
    const headings = [...page.matchAll(/^### (Turnout\w+)$/gm)].map(([, heading]) => heading)
    const sorted = (names: readonly (string | undefined)[]) => names.map((name) => name ?? '').toSorted((a, b) => a.localeCompare(b))
    expect(sorted(headings)).toEqual(sorted(rules.map(({ alert }) => alert)))
  })
})

describe('the dashboard', () => {
  const targets = dashboard.panels.flatMap(({ title, targets: of = [] }) => of.map((target) => [title, target] as const))

  test.each(targets)('“%s” names metrics and labels that there are', (_title, { expr, legendFormat }) => {
    expect(unknownIn(expr)).toEqual([])
    const known = [...added, ...[...expr.matchAll(/\b(turnout_\w+)/g)].flatMap(([, name = '']) => promised[name] ?? [])]
    expect([...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label).filter((label) => !known.includes(label ?? ''))).toEqual([])
  })

  test('shows every metric of the list', () => {
    const all = targets.map(([, { expr }]) => expr).join('\n')
    expect(Object.keys(promised).filter((name) => !all.includes(name))).toEqual([])
  })

  test('lists its variables from metrics that there are', () => {
    const queries = dashboard.templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]))
    expect(queries.map((query) => /^label_values\((\w+), (\w+)\)$/.exec(query)?.[1] ?? query).filter((name) => !(name in promised))).toEqual([])
  })
})

describe('an expression', () => {
  test.each([
    ['rate(turnout_gone_total[5m])', ['turnout_gone_total']],
    ['turnout_leases{model="x"}', ['turnout_leases{model}']],
    ['sum by (model) (turnout_leases)', ['by (model)']],
    ['1', ['names no metric']],
    ['sum by (instance, le) (rate(turnout_turn_seconds_bucket{instance="x"}[5m]))', []],
  ])('%s has %j that are not there', (expr, unknown) => expect(unknownIn(expr)).toEqual(unknown))
})

/** The words of a command line behind the program's own file. */
const wordsOf = (line: string): readonly string[] =>
  line
    .slice(line.indexOf('turnout.mjs') + 'turnout.mjs'.length)
    .trim()
    .split(/\s+/)

/** Whether the command line takes these words, which it then does not carry out. */
async function isTaken(words: readonly string[]): Promise<string> {
  let said = ''
  const surroundings = {
    environment: {},
    out: () => undefined,
    err: (text: string) => void (said += text),
    paint: (_colour: string, text: string) => text,
    onSignal: () => undefined,
  }
  await run([...words, '--help'], surroundings)
  return said
}

describe('the systemd unit', () => {
  const unit = read('ops/turnout.service')
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

  test('starts the server with options that there are', async () => {
    expect(setting('ExecStart')).toContain('/opt/turnout/bin/turnout.mjs serve ')
    expect(await isTaken(wordsOf(setting('ExecStart')))).toBe('')
  })

  test('gives running turns longer than the drain takes, and does not restart on a wrong configuration', () => {
    expect(Number(setting('TimeoutStopSec'))).toBeGreaterThan(30 + 5)
    expect([setting('KillSignal'), setting('RestartPreventExitStatus')]).toEqual(['SIGTERM', '2'])
  })

  test('keeps the greeting, which may hold a token, out of the journal', () => {
    expect([setting('StandardOutput'), setting('StandardError')]).toEqual(['null', 'journal'])
  })

  const analyze = spawnSync('systemd-analyze', ['--version']).status === 0
  // Where systemd is: the program itself reads the unit.
  test.skipIf(!analyze)('is one that systemd understands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'turnout unit '))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'turnout.service')
    writeFileSync(file, unit.replace('/usr/bin/node', `"${process.execPath}"`))
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })
})

describe('the container file', () => {
  const file = read('ops/Containerfile')
  const cmd = JSON.parse(/^CMD (\[.*\])$/m.exec(file)?.[1] ?? '[]') as readonly string[]

  test('copies what there is', () => {
    const copied = [...file.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) => from.split(' '))
    expect(copied.length).toBeGreaterThan(4)
    expect(copied.filter((name) => !existsSync(join(root, name)))).toEqual([])
  })

  test('starts the server with options that there are, as nobody special', async () => {
    expect(cmd[0]).toBe('serve')
    expect(await isTaken(cmd)).toBe('')
    expect(file).toMatch(/^USER node$/m)
  })
})
