import { describe, expect, it } from 'vitest'
import { createLog, type LogLevel } from '../../src/observe/log.ts'

function logging(level: LogLevel) {
  const lines: string[] = []
  return { lines, log: createLog(level, { write: (line) => void lines.push(line) }) }
}

describe('a line of the log', () => {
  it('is one JSON object with the time, the level, the fields and the sentence', () => {
    const { lines, log } = logging('info')
    log.warn({ account: 'main', status: 429 }, 'cooling')
    const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    expect(line).toMatchObject({ level: 'warn', account: 'main', status: 429, msg: 'cooling' })
    expect(Object.keys(line)).toEqual(['level', 'time', 'account', 'status', 'msg'])
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('is written from its level on, and a reload may change that', () => {
    const { lines, log } = logging('warn')
    log.debug({}, 'a')
    log.info({}, 'b')
    log.warn({}, 'c')
    log.error({}, 'd')
    log.setLevel('debug')
    log.debug({}, 'e')
    log.setLevel('silent')
    log.error({}, 'f')
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['c', 'd', 'e'])
  })

  it('shows the stack of what was thrown', () => {
    const { lines, log } = logging('info')
    log.error({ err: new Error('a broken assumption') }, 'a bug')
    expect(lines[0]).toContain('log.test.ts')
  })

  it('about something that went wrong holds no secret that is known, and nothing that looks like one, wherever it stands', () => {
    const { lines, log } = logging('info')
    log.hide(['known-secret-1', 'known-secret-2'])
    const bug = new Error('tripped over known-secret-1', { cause: new Error('Authorization: Bearer abc.def') })
    log.error({ err: bug, said: 'known-secret-2', list: [{ deep: 'key sk-proj-0a1b2c3d4e5f' }], count: 7 }, 'a bug')
    expect(lines[0]).not.toMatch(/known-secret|abc\.def|0a1b2c/)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      err: { message: expect.stringContaining('tripped over ****'), stack: expect.stringContaining('log.test.ts') },
      said: '****',
      list: [{ deep: 'key sk-****' }],
      count: 7,
    })
  })

  it.each(['info', 'error'] as const)('of the level %s shows nothing that lies too deep, and so ends where something holds itself', (level) => {
    const { lines, log } = logging('info')
    const ring: Record<string, unknown> = { name: 'ring' }
    ring['self'] = ring
    log[level]({ ring }, 'said')
    expect(JSON.parse(lines[0] ?? '')).toHaveProperty('ring.self.self.self.self', '[too deep]')
  })

  it.each([
    { authorization: 'Bearer hush' },
    { headers: { authorization: 'Bearer hush', 'x-api-key': 'hush', cookie: 'hush' } },
    { account: { credential: { kind: 'api_key', apiKey: 'hush' } } },
    { call: { account: { proxy: 'http://user:hush@proxy' } } },
    { credential: { oauth: { access_token: 'hush', refresh_token: 'hush' } } },
    { admin: { token: 'hush' } },
    { calls: [{ headers: { cookie: 'hush' } }] },
    { err: Object.assign(new Error('refused'), { call: { headers: { authorization: 'hush' } } }) },
  ])('holds no secret, even where one is passed: %j', (fields) => {
    const { lines, log } = logging('info')
    log.info(fields, 'said')
    expect(lines[0]).toContain('[secret]')
    expect(lines[0]).not.toContain('hush')
  })
})
