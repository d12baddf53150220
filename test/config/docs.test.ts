import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { jsonSchema, settings, type Setting } from '../../src/config/schema-json.ts'

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
const rows = page
  .split('\n')
  .map((line) => line.split('|').slice(1, -1))
  .filter((cells) => cells.length === 4 && cells[0]?.trimStart().startsWith('`'))
  .map((cells) => cells.map((cell) => cell.trim()).join(' | '))

/** One row of docs/configuration.md. Words that are no value, such as "required", stand without the marks of code. */
function row({ path, unit, preset, reason }: Setting): string {
  const shown = preset === 'required' || preset === 'none' || preset.includes(' ') ? preset : `\`${preset}\``
  return `\`${path}\` | ${unit} | ${shown} | ${reason}`
}

describe('docs/configuration.md', () => {
  for (const setting of settings()) it(`has ${setting.path} with its unit, default and reason`, () => expect(rows).toContain(row(setting)))
  it('has nothing that is no setting', () => {
    const known = new Set(settings().map(row))
    expect(rows.filter((line) => !known.has(line))).toEqual([])
  })
  it('has one section for each section of the file', () => {
    const sections = new Set(settings().map(({ path }) => path.split(/[.[]/)[0] ?? ''))
    for (const section of sections) expect(page).toContain(`\n## ${section}\n`)
  })
})

describe('every setting', () => {
  for (const { path, unit, preset, reason } of settings()) {
    it(`${path} has a unit, a default and a reason`, () => {
      expect(unit).not.toBe('')
      expect(preset).not.toBe('undefined')
      expect(reason).toMatch(/[."]$/)
    })
  }
})

describe('the JSON Schema', () => {
  it('describes what may be written: text for durations, and no unknown field', () => {
    expect(jsonSchema()).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['accounts', 'pools'],
      properties: { times: { properties: { connect: { type: 'string', default: '10s', pattern: expect.any(String), description: expect.any(String) } } } },
    })
  })
})
