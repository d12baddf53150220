import { afterEach, describe, expect, it } from 'vitest'
import { healthRoutes, type Readiness } from '../../src/server/health-routes.ts'
import { ask, metricsToken, start, stopAll } from './support.ts'

afterEach(stopAll)

describe('the state of the process', () => {
  it('is alive as soon as it answers, and ready when it says so', async () => {
    let readiness: Readiness = { ready: false, reason: 'no account is ready' }
    const gateway = await start(() => healthRoutes({ readiness: () => readiness, metrics: async () => ({ contentType: 'text/plain', text: 'a 1\n' }) }))
    expect(await ask(gateway, '/healthz', { key: null })).toMatchObject({ status: 200, text: '{"status":"ok"}\n' })
    expect(await ask(gateway, '/readyz', { key: null })).toMatchObject({ status: 503, text: '{"status":"not ready","reason":"no account is ready"}\n' })
    readiness = { ready: true }
    expect(await ask(gateway, '/readyz', { key: null })).toMatchObject({ status: 200 })
    expect(await ask(gateway, '/metrics', { key: metricsToken })).toMatchObject({ status: 200, text: 'a 1\n' })
    expect(await ask(gateway, '/metrics', { key: null })).toMatchObject({ status: 401 })
  })
})
