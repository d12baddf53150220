import { loadConfiguration } from '../src/config/load.ts'
import { resolve } from '../src/config/resolve.ts'
import { createLog } from '../src/observe/log.ts'
import { Parts, type Foundation } from '../src/parts.ts'
import type { Store } from '../src/storage/store.ts'

// The gateway as it is, but for the ledger: nothing is written, and nobody waits. What the books cost is the difference.

const file = process.argv[2] ?? ''
const loaded = loadConfiguration(file, process.env)
if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems))
const done = Promise.resolve()
const store: Store = {
  ledger: { open: () => done, settle: () => done, commits: () => true, lag: () => 0 },
  owners: { find: () => Promise.resolve(null) },
  memories: { all: () => Promise.resolve([]), keep: () => done },
  turns: { find: () => Promise.resolve(null), list: () => Promise.resolve([]) },
  usage: { sum: () => Promise.resolve([]) },
  audit: { append: () => Promise.resolve(), list: () => Promise.resolve([]) },
  entities: { list: () => Promise.resolve([]), read: () => Promise.resolve(null), write: () => Promise.resolve(null) },
  spending: { since: () => Promise.resolve([]) },
  ready: () => true,
  commitCount: () => 0,
  keepTurns: () => {},
  onFailure: () => {},
  sweep: () => Promise.resolve({ turns: 0, owners: 0, days: 0 }),
  close: () => done,
}
const secret = Buffer.alloc(32, 1)
const resolved = resolve(loaded.configuration, { folder: '.', secret, simulatorUrl: null, trialKey: null })
const sealing: Foundation['sealing'] = { keys: [secret], begin: () => ({ kind: 'unusable', why: 'it stays' }), end: () => null }
const parts = new Parts({ resolved, secret, sealing, adminToken: 'bench-admin-token', store, log: createLog(resolved.logLevel), version: 'bench' })
const at = await parts.server.listen('127.0.0.1', 0)
process.stdout.write(`listening http://127.0.0.1:${at.port}\n`)
