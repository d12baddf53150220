import { describe, expect, it } from 'vitest'
import type { AuditEntry } from '../../src/ports/stores.ts'
import { appendAuditAlone } from '../../src/storage/alone.ts'
import { auditJsonMax, auditKeptMs, auditMessage, prepareAudit, prepareAuditList } from '../../src/storage/audit-log.ts'
import { openFile } from '../../src/storage/open-file.ts'
import { firstIdAt } from '../../src/storage/retention.ts'
import { openStore } from '../../src/storage/store.ts'
import { fileOfVersion, storeOptions } from './samples.ts'

const startMs = Date.UTC(2026, 10, 21)

const entry = (at: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  id: firstIdAt(startMs + at),
  atMs: startMs + at,
  by: 'admin',
  from: '127.0.0.1',
  what: 'disable',
  target: 'main',
  before: { enabled: true },
  after: { enabled: false },
  ...more,
})

describe('the audit log', () => {
  it('is read as it was written, newest first, page by page', async () => {
    const store = await openStore(storeOptions())
    const entries = [entry(1), entry(2, { by: 'file', from: null, what: 'reload', target: null, before: null, after: null }), entry(3)]
    for (const each of entries) await store.audit.append(each)
    expect(await store.audit.list({ limit: 2, before: null })).toEqual([entries[2], entries[1]])
    expect(await store.audit.list({ limit: 2, before: entries[1]?.id ?? null })).toEqual([entries[0]])
    await store.close()
  })

  it('outlives the process, and takes what commands write while none serves', async () => {
    const options = storeOptions()
    const store = await openStore(options)
    await store.audit.append(entry(1))
    await store.close()
    await appendAuditAlone(options.file, entry(2, { by: 'command-line', from: 'operator' }))
    const again = await openStore(options)
    expect((await again.audit.list({ limit: 10, before: null })).map(({ by, from }) => [by, from])).toEqual([
      ['command-line', 'operator'],
      ['admin', '127.0.0.1'],
    ])
    await again.close()
  })

  it('rejects where the store does not write', async () => {
    const store = await openStore(storeOptions())
    await store.close()
    await expect(store.audit.append(entry(1))).rejects.toThrow('does not take writes')
  })

  it('lets go of what is older than it keeps, and of what is more than it keeps', async () => {
    const { file } = storeOptions()
    const db = await openFile(file)
    const write = prepareAudit(db, 3)
    const list = prepareAuditList(db)
    const kept = () => list({ limit: 10, before: null }).map(({ atMs }) => atMs - startMs)
    for (const at of [1, 2, 3, 4, 5]) write(auditMessage(entry(at)))
    expect(kept()).toEqual([5, 4, 3])
    write(auditMessage(entry(auditKeptMs + 4)))
    expect(kept()).toEqual([auditKeptMs + 4, 5, 4])
    write(auditMessage(entry(auditKeptMs + 5)))
    expect(kept()).toEqual([auditKeptMs + 5, auditKeptMs + 4, 5])
    db.close()
  })

  it('writes an entry that comes twice once', async () => {
    const { file } = storeOptions()
    const db = await openFile(file)
    const write = prepareAudit(db)
    write(auditMessage(entry(1)))
    write(auditMessage(entry(1)))
    expect(prepareAuditList(db)({ limit: 10, before: null })).toHaveLength(1)
    db.close()
  })

  it('keeps of a change that is too long that it was made', async () => {
    const { file } = storeOptions()
    const db = await openFile(file)
    prepareAudit(db)(auditMessage(entry(1, { before: 'x'.repeat(auditJsonMax - 2), after: 'x'.repeat(auditJsonMax - 1) })))
    const [read] = prepareAuditList(db)({ limit: 1, before: null })
    expect(read?.before).toBe('x'.repeat(auditJsonMax - 2))
    expect(read?.after).toBe(`too long to be kept: ${auditJsonMax + 1} characters`)
    db.close()
  })

  it('comes into a store that an earlier version made, whose turns stay', async () => {
    const options = storeOptions()
    ;(await fileOfVersion(3, options.file)).close()
    const again = await openStore(options)
    await again.audit.append(entry(1))
    expect(await again.audit.list({ limit: 1, before: null })).toHaveLength(1)
    await again.close()
  })
})
