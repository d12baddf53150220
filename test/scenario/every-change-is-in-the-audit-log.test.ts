import { expect, test } from 'vitest'
import { adminToken, gatewayOfThisFile, ownGateway, type Stage } from '../support/gateway.ts'
import { eventually } from '../support/client.ts'

const stage = gatewayOfThisFile()

interface Entry {
  readonly by: string
  readonly what: string
  readonly target: string | null
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
}

const changes = async (on: Stage): Promise<readonly Entry[]> =>
  (await on.ask(null, { path: '/admin/api/audit', key: adminToken })).json['changes'] as readonly Entry[]
const change = (on: Stage, path: string) => on.ask(null, { path: `/admin/api/${path}`, method: 'POST', key: adminToken })

test('a changed configuration file is a change, with the settings that changed and without their secrets', async () => {
  const on = await stage({ accounts: { a: {} } })
  on.change({ failover: { patience: '1s' }, metrics: { token: 'mt-MARKED-metrics-token' } })
  const [latest] = await eventually(
    () => changes(on),
    ([first]) => first?.after?.['failover.patience'] === '1s',
  )
  expect(latest).toMatchObject({ by: 'file', what: 'reload', target: on.file })
  expect(JSON.stringify(latest)).not.toContain('MARKED')
})

test('a file that was saved as it was, or that is wrong, changes nothing', async () => {
  const on = await stage({ accounts: { a: {} } })
  const before = await eventually(
    () => changes(on),
    ([first]) => JSON.stringify(first?.after).includes(on.pool),
  )
  on.gateway.reload()
  expect(() => on.change({ failover: { patience: 'soon' } })).toThrow('invalid')
  expect(await changes(on)).toEqual(before)
})

test('entries are there when the answer is, and after a restart', async () => {
  const on = await ownGateway({ accounts: { a: {} } })
  await change(on, 'accounts/a/disable')
  const whats = (entries: readonly Entry[]) => entries.map(({ what, target }) => `${what} ${target}`)
  expect(whats(await changes(on))).toEqual(['disable a'])
  await on.restart()
  await change(on, 'accounts/a/enable')
  expect(whats(await changes(on))).toEqual(['enable a', 'disable a'])
})
