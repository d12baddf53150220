import { expect, test } from 'vitest'
import { promised } from '../support/metrics.ts'
import { adminToken, gatewayOfThisFile, question, streamed, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

/** One line of the text format: a metric, its labels and its value. */
interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

async function samples(on: Stage): Promise<readonly Sample[]> {
  const { text } = await on.ask(null, { path: '/metrics', key: adminToken })
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    return { name, labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value])) }
  })
}

/** A histogram's own suffixes and its label are Prometheus's. */
const base = ({ name }: Sample): string => name.replace(/_(bucket|sum|count)$/, '')
const labelsOf = ({ labels }: Sample): string =>
  Object.keys(labels)
    .filter((label) => label !== 'le')
    .toSorted()
    .join(',')

const unwell = { plays: { faults: [{ fault: 'quota' }] } }

test('every metric of the list is there with its labels, and no other', async () => {
  const on = await stage({ accounts: { a: unwell, b: { plays: { tier: 'priority' } } } })
  await on.ask()
  await on.ask(streamed)
  await on.ask('{')
  const seen = await samples(on)
  const found = new Map(seen.map((sample) => [base(sample), labelsOf(sample)]))
  const without = new Set([...found.keys()].filter((name) => !(name in promised)))
  expect([...without]).toEqual([])
  for (const [name, labels] of Object.entries(promised)) expect([name, found.get(name)]).toEqual([name, labels.join(',')])
})

test('what clients say makes no label: neither models, nor keys, nor codes of an upstream', async () => {
  const on = await stage({
    accounts: { a: { plays: { faults: [{ fault: 'status', status: 400, body: { error: { code: 'MARKED_code', message: 'MARKED' } } }] } } },
  })
  const ask = (n: number) =>
    on.ask({ ...question, model: `MARKED-model-${n}`, user: `MARKED-${n}`, service_tier: `MARKED-${n}` }, { headers: { 'x-request-id': `MARKED-${n}` } })
  await ask(0)
  const before = (await samples(on)).length
  for (let n = 1; n <= 20; n++) await ask(n)
  for (let n = 0; n < 5; n++) await on.ask(question, { key: `MARKED-${n}`, path: `/MARKED-${n}` })
  const after = await samples(on)
  // One series more: that of the refusal.
  expect(after.length - before).toBeLessThanOrEqual(1)
  expect(JSON.stringify(after)).not.toContain('MARKED')
})

test('labels hold names of the configuration and words of ours', async () => {
  const on = await stage({ accounts: { a: unwell, b: {} } })
  await on.ask()
  const values = new Map<string, Set<string>>()
  for (const { labels } of await samples(on))
    for (const [label, value] of Object.entries(labels)) values.set(label, (values.get(label) ?? new Set()).add(value))
  const among = (label: string, allowed: RegExp) => expect([...(values.get(label) ?? [])].filter((value) => !allowed.test(value))).toEqual([])
  among('account', /^(a|b|nobody)$/)
  among('outcome', /^(completed|incomplete|failed|cancelled|refused)$/)
  among('endpoint', /^(responses|compact|input_tokens)$/)
  among('state', /^(ready|cooling|retired|disabled)$/)
  among('owner', /^(bodies|transcripts)$/)
  among('code', /^[a-z_]+$/)
  among('failure', /^[a-z-]*$/)
})

test('a file that is wrong, and one that is right again, are told', async () => {
  const on = await stage({ accounts: { a: {} } })
  expect([await on.metric('turnout_ready'), await on.metric('turnout_configuration_error')]).toEqual([1, 0])
  expect(() => on.change({ failover: { patience: 'soon' } })).toThrow('invalid')
  expect(await on.metric('turnout_configuration_error')).toBe(1)
  on.change({ failover: { patience: '1s' } })
  expect(await on.metric('turnout_configuration_error')).toBe(0)
})
