import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { claimPidFile, readPidFile, removePidFile } from '../../src/lib/pid-file.ts'

const file = () => join(mkdtempSync(join(tmpdir(), 'turnout pid ')), 'turnout.pid')
const me = { pid: process.pid, url: 'http://127.0.0.1:1' }
/** Larger than any process id that this kernel gives. */
const nobody = { pid: 2 ** 30, url: 'http://127.0.0.1:2' }

describe('the place of a server', () => {
  test('is taken, told, and given up', () => {
    const at = file()
    expect(claimPidFile(at, { ...me, url: '' })).toBeNull()
    expect(claimPidFile(at, me)).toBeNull()
    expect(readPidFile(at)).toEqual(me)
    expect(statSync(at).mode & 0o777).toBe(0o600)
    removePidFile(at, me.pid)
    expect(readPidFile(at)).toBeNull()
  })

  test('is refused while another process that lives has it', () => {
    const at = file()
    const parent = { pid: process.ppid, url: 'http://127.0.0.1:3' }
    writeFileSync(at, JSON.stringify(parent))
    expect(claimPidFile(at, me)).toEqual(parent)
    removePidFile(at, me.pid)
    expect(JSON.parse(readFileSync(at, 'utf8'))).toEqual(parent)
  })

  test.each([
    ['a process that is gone', JSON.stringify(nobody)],
    ['somebody who wrote nonsense', '{'],
    ['somebody who wrote no number', '{"pid":"1","url":"x"}'],
  ])('is free when it was left behind by %s', (_, text) => {
    const at = file()
    writeFileSync(at, text)
    expect(readPidFile(at)).toBeNull()
    claimPidFile(at, me)
    expect(readPidFile(at)).toEqual(me)
  })
})
