import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfiguration } from '../../src/config/load.ts'
import { isTrial, resolve } from '../../src/config/resolve.ts'
import { writeTemplate } from '../../src/config/template.ts'
import { configurationOf, emptyFolder, removeFoldersAfterEach } from './files.ts'

removeFoldersAfterEach()

const template = readFileSync(new URL('../../turnout.example.yaml', import.meta.url), 'utf8')

describe('the template', () => {
  it('loads without any variable, and is the trial', () => {
    const configuration = configurationOf(template)
    expect(isTrial(configuration)).toBe(true)
    const { accounts } = resolve(configuration, { folder: '/', secret: Buffer.alloc(32), simulatorUrl: 'http://127.0.0.1:1', trialKey: 'trial' })
    const [first, second] = [...accounts].sort((a, b) => a.account.priority - b.account.priority)
    expect(first).toMatchObject({ account: { id: 'trial-first' }, simulate: { fault: 'quota', after: 0, resetsInSeconds: 5 } })
    expect(second).toMatchObject({ account: { id: 'trial-second' }, simulate: { fault: 'none' } })
  })
  it('says in its comments how to go live, and that loads too', () => {
    const [top, live] = template.split('# To go live')
    const lines = (live ?? '').split('\n').filter((line) => /^# ( |accounts:|pools:|keys:|rules:)/.test(line))
    const text = `${(top ?? '').slice(0, top?.indexOf('\naccounts:'))}\n${lines.map((line) => line.slice(2)).join('\n')}\n`
    const configuration = configurationOf(text, { OPENAI_API_KEY: 'sk-1', ANTHROPIC_API_KEY: 'sk-3', BACKUP_API_KEY: 'sk-2', TURNOUT_KEY: 'k-1' })
    expect(configuration.accounts.map(({ name, dialects }) => [name, dialects])).toEqual([
      ['main', ['responses', 'chat']],
      ['claude', ['messages']],
      ['backup', ['chat']],
    ])
    expect(configuration.keys[0]?.limits.concurrency).toBe(8)
    expect(configuration.rules).toHaveLength(1)
  })
  it('is written where no file is, closed to others', () => {
    const file = join(emptyFolder(), 'turnout.yaml')
    expect(writeTemplate(file)).toEqual({ kind: 'written' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(loadConfiguration(file, {}).kind).toBe('loaded')
  })
  it('never replaces a file', () => {
    const file = join(emptyFolder(), 'turnout.yaml')
    writeFileSync(file, 'mine')
    expect(writeTemplate(file)).toEqual({ kind: 'exists' })
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })
  it('says so where its folder is missing', () => {
    const file = join(emptyFolder(), 'nowhere', 'turnout.yaml')
    expect(writeTemplate(file)).toEqual({ kind: 'unwritable', why: `${file} cannot be written: its folder does not exist` })
  })
})
