import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { UpstreamModel } from '../../src/core/ids.ts'
import type { AttemptRecord } from '../../src/core/record.ts'
import { csvRows } from '../../src/cli/csv.ts'
import { readExport } from '../../src/cli/usage-export.ts'
import { openStore } from '../../src/storage/store.ts'
import { attempt, opened, settled, storeOptions } from '../storage/samples.ts'
import { configured, turnout } from './support.ts'

const nineMs = Date.UTC(2026, 10, 20, 9)
const hourMs = 3_600_000
const used = (input: number, output: number) => ({
  inputTokens: input,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
  outputTokens: output,
  reasoningTokens: 0,
})
const tried = (model: string, startedAtMs: number, more: Partial<AttemptRecord> = {}, by = 'first') =>
  attempt(by, { upstreamModel: model as UpstreamModel, startedAtMs, usage: used(100, 10), ...more })

/** A configuration whose store holds these attempts, and a file with this export. */
async function kept(attempts: readonly AttemptRecord[], text: string): Promise<readonly string[]> {
  const file = configured()
  const data = join(dirname(file), 'data')
  mkdirSync(data, { mode: 0o700 })
  const store = await openStore(storeOptions({ file: join(data, 'turnout.db') }))
  for (const one of attempts) {
    const id = `${Math.floor(one.startedAtMs)
      .toString(16)
      .padStart(12, '0')
      .replace(/^(.{8})/, '$1-')}-7000-8000-${String(Math.floor(Math.random() * 1e12)).padStart(12, '0')}`
    await store.ledger.settle(settled(opened({ id: id as never, startedAtMs: one.startedAtMs }), { attempts: [one] }))
  }
  await store.close()
  const exported = join(dirname(file), 'export')
  writeFileSync(exported, text)
  return [exported, '--config', file]
}

const openaiCsv = `start_time,end_time,start_time_iso,model,num_model_requests,input_tokens,output_tokens,input_cached_tokens
${nineMs / 1000},${nineMs / 1000 + 3600},2026-11-20T09:00:00Z,gpt-5.5-2026-04-01,2,200,20,0
${nineMs / 1000 + 3600},${nineMs / 1000 + 7200},2026-11-20T10:00:00Z,gpt-5.5-2026-04-01,1,100,10,0
`

describe('turnout reconcile', () => {
  test('finds that an export of OpenAI by hour and the ledger agree, dated snapshots included', async () => {
    const attempts = [tried('gpt-5.5', nineMs), tried('gpt-5.5', nineMs + hourMs - 1), tried('gpt-5.5', nineMs + hourMs)]
    const { exit, out } = await turnout(['reconcile', ...(await kept(attempts, openaiCsv))])
    expect([exit, out]).toEqual([0, 'The ledger and the export agree, in 2 of 2 lines.\n'])
  })

  test('names what only one side has, and what differs', async () => {
    const attempts = [tried('gpt-5.5', nineMs), tried('gpt-4', nineMs + 1), tried('gpt-5.5', nineMs + 2, { usage: null }), tried('gpt-5.5', nineMs - 1)]
    const { exit, out } = await turnout(['reconcile', ...(await kept(attempts, openaiCsv)), '--json'])
    const side = { requests: 1, input_tokens: 100, cached_tokens: 0, output_tokens: 10 }
    expect(exit).toBe(1)
    expect(JSON.parse(out)).toEqual({
      rows: [
        {
          start: '2026-11-20T09:00:00.000Z',
          end: '2026-11-20T10:00:00.000Z',
          model: 'gpt-4',
          verdict: 'only in the ledger',
          ledger: side,
          upstream: null,
          unknown: 0,
        },
        {
          start: '2026-11-20T09:00:00.000Z',
          end: '2026-11-20T10:00:00.000Z',
          model: 'gpt-5.5',
          verdict: 'differs',
          ledger: side,
          upstream: { requests: 2, input_tokens: 200, cached_tokens: 0, output_tokens: 20 },
          unknown: 1,
        },
        {
          start: '2026-11-20T10:00:00.000Z',
          end: '2026-11-20T11:00:00.000Z',
          model: 'gpt-5.5',
          verdict: 'only upstream',
          ledger: null,
          upstream: side,
          unknown: 0,
        },
      ],
    })
  })

  test('prints the lines that differ, their totals, and how much is unknown', async () => {
    const { out } = await turnout(['reconcile', ...(await kept([tried('gpt-5.5', nineMs), tried('gpt-5.5', nineMs, { usage: null })], openaiCsv))])
    const [heading, first, second] = out.split('\n').map((line) => line.split(/ {2,}/))
    expect(heading?.slice(0, 3)).toEqual(['START', 'MODEL', 'VERDICT'])
    expect(first).toEqual(['2026-11-20 09:00:00Z', 'gpt-5.5', 'differs', '100', '200', '10', '20', '1', '2', '1'])
    expect(second).toEqual(['2026-11-20 10:00:00Z', 'gpt-5.5', 'only upstream', '-', '100', '-', '10', '-', '1', '-'])
    expect(out).toContain('2 of 2 lines differ. The ledger has 100 tokens in and 10 out, upstream 300 tokens in and 30 out in them.')
    expect(out).toContain('1 attempts in the ledger have an unknown usage')
  })

  test('takes what one account used alone', async () => {
    const attempts = [tried('m', nineMs), tried('m', nineMs, {}, 'second')]
    const words = await kept(attempts, 'hour,model,input_tokens,output_tokens\n2026-11-20T09:00:00Z,m,100,10\n')
    expect((await turnout(['reconcile', ...words])).exit).toBe(1)
    expect((await turnout(['reconcile', ...words, '--account', 'second'])).exit).toBe(0)
    expect(await turnout(['reconcile', ...words, '--account', 'third'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining("no account is named 'third'") as string,
    })
  })

  test.each([
    ['no file', null, 'There is no file'],
    ['an empty list', '[]', 'holds no entry'],
    [
      'spans of two lengths',
      'start,end,model,input_tokens,output_tokens\n2026-11-20,2026-11-21,m,1,1\n2026-11-21,2026-11-21T01:00,m,1,1',
      'are not of one length',
    ],
    ['no model', 'day,input_tokens,output_tokens\n2026-11-20,1,1', 'entry 1 names no model'],
    ['broken JSON', '{"data": [', 'it looks like JSON and is none'],
  ])('refuses %s', async (_title, text, why) => {
    const words = await kept([], text ?? '')
    const { exit, err } = await turnout(['reconcile', ...(text === null ? ['nothing.csv', ...words.slice(1)] : words)])
    expect([exit, err]).toEqual([2, expect.stringContaining(why)])
  })
})

describe('a usage export', () => {
  const entry = { startMs: nineMs, endMs: nineMs + hourMs, model: 'm', requests: 3, inputTokens: 100, cachedTokens: 40, outputTokens: 10 }
  const bucket = { object: 'bucket', start_time: nineMs / 1000, end_time: nineMs / 1000 + 3600 }
  const result = {
    object: 'organization.usage.completions.result',
    model: 'm',
    num_model_requests: 3,
    input_tokens: 100,
    input_cached_tokens: 40,
    output_tokens: 10,
    project_id: null,
  }

  test.each<[title: string, text: string, entries: readonly object[]]>([
    [
      "a page of OpenAI's API",
      JSON.stringify({ object: 'page', data: [{ ...bucket, results: [result, { ...result, model: 'n' }] }] }),
      [entry, { ...entry, model: 'n' }],
    ],
    ['several pages', JSON.stringify([{ data: [{ ...bucket, results: [] }] }, { data: [{ ...bucket, results: [result] }] }]), [entry]],
    [
      'generic JSON',
      JSON.stringify({ rows: [{ start: '2026-11-20T09:00:00Z', model: 'm', requests: 3, input_tokens: 100, cached_tokens: 40, output_tokens: 10 }] }),
      [entry],
    ],
    [
      'a generic CSV by day',
      'Day,Model,Input_tokens,Output_tokens\n2026-11-20,"m, large",100,10\n',
      [
        {
          startMs: Date.UTC(2026, 10, 20),
          endMs: Date.UTC(2026, 10, 21),
          model: 'm, large',
          requests: null,
          inputTokens: 100,
          cachedTokens: null,
          outputTokens: 10,
        },
      ],
    ],
    ['times without a zone are UTC', 'start,model,input_tokens,output_tokens\n2026-11-20 09:00,m,100,10', [{ ...entry, requests: null, cachedTokens: null }]],
  ])('is read: %s', (_title, text, entries) => {
    expect(readExport(text)).toEqual({ kind: 'read', entries })
  })

  test.each([
    ['a row that is too short', 'start,model,input_tokens,output_tokens\n2026-11-20,m,1', 'line 2 has 3 cells, and the heading 4'],
    ['a time in words', 'start,model,input_tokens,output_tokens\nyesterday,m,1,1', 'entry 1 has a time that cannot be read'],
    ['half a token', 'start,model,input_tokens,output_tokens\n2026-11-20,m,1.5,1', 'a count that is no whole number'],
    ['no time', 'model,input_tokens,output_tokens\nm,1,1', 'entry 1 does not say when'],
    ['no tokens', 'start,model,input_tokens\n2026-11-20,m,1', 'entry 1 has no output_tokens'],
  ])('is not guessed at: %s', (_title, text, why) => {
    expect(readExport(text)).toEqual({ kind: 'wrong', why: expect.stringContaining(why) as string })
  })
})

test('CSV: quotes hold commas, line breaks and quotes; blank lines are no rows', () => {
  expect(csvRows('a,"b, ""c""\nd"\r\n\n1,\n')).toEqual([
    ['a', 'b, "c"\nd'],
    ['1', ''],
  ])
})
