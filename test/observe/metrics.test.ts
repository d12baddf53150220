import { describe, expect, it } from 'vitest'
import type { AccountId } from '../../src/core/ids.ts'
import { PrometheusMetrics, type Gauges } from '../../src/observe/metrics.ts'

const main = 'main' as AccountId
const backup = 'backup' as AccountId

const quiet: Gauges = {
  leases: () => [],
  health: () => [],
  sessions: () => 0,
  bufferedBytes: () => [],
  ledgerLag: () => 0,
  ready: () => true,
  configurationWrong: () => false,
  version: '0.1.0',
}

async function lines(metrics: PrometheusMetrics): Promise<readonly string[]> {
  return (await metrics.scrape()).text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

describe('metrics', () => {
  it('count turns, attempts and refusals', async () => {
    const metrics = new PrometheusMetrics(quiet)
    for (let i = 0; i < 3; i++) metrics.turnEnded({ endpoint: 'responses', outcome: 'completed', durationMs: 1500, firstOutputMs: 300, overheadMs: 2 })
    metrics.turnEnded({ endpoint: 'compact', outcome: 'refused', durationMs: 1, firstOutputMs: null, overheadMs: null })
    metrics.attemptEnded(main, 'failed', 'quota')
    metrics.attemptEnded(backup, 'completed', null)
    metrics.refused('invalid_json')
    metrics.refused('invalid_json')
    metrics.tierServedAbove(main)
    expect(await lines(metrics)).toEqual(
      expect.arrayContaining([
        'turnout_turns_total{endpoint="responses",outcome="completed"} 3',
        'turnout_turns_total{endpoint="compact",outcome="refused"} 1',
        'turnout_attempts_total{account="main",outcome="failed",failure="quota"} 1',
        'turnout_attempts_total{account="backup",outcome="completed",failure=""} 1',
        'turnout_refusals_total{code="invalid_json"} 2',
        'turnout_tier_served_above_total{account="main"} 1',
        'turnout_turn_seconds_count 4',
        'turnout_turn_seconds_bucket{le="2.5"} 4',
        'turnout_turn_seconds_bucket{le="1"} 1',
        'turnout_first_output_seconds_sum 0.8999999999999999',
        'turnout_overhead_seconds_bucket{le="0.001"} 0',
        'turnout_overhead_seconds_bucket{le="0.0025"} 3',
      ]),
    )
  })

  it('read gauges when someone asks, and forget an account that is gone', async () => {
    let accounts: readonly AccountId[] = [main, backup]
    const metrics = new PrometheusMetrics({
      ...quiet,
      leases: () => accounts.map((account) => [account, 3] as const),
      health: () => accounts.map((account) => [account, account === main ? 'ready' : 'cooling'] as const),
      sessions: () => 7,
      bufferedBytes: () => [['bodies', 4096]],
      ledgerLag: () => 12,
    })
    expect(await lines(metrics)).toEqual(
      expect.arrayContaining([
        'turnout_leases{account="main"} 3',
        'turnout_account_health{account="main",state="ready"} 1',
        'turnout_account_health{account="main",state="cooling"} 0',
        'turnout_account_health{account="backup",state="cooling"} 1',
        'turnout_sessions 7',
        'turnout_buffered_bytes{owner="bodies"} 4096',
        'turnout_ledger_lag_records 12',
      ]),
    )
    accounts = [main]
    const later = (await lines(metrics)).filter((line) => line.includes('backup'))
    expect(later).toEqual([])
  })

  it('are in the text format of Prometheus, with help for each', async () => {
    const { contentType, text } = await new PrometheusMetrics(quiet).scrape()
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/)
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map((match) => `${match[1]} ${match[2]}`)
    expect(names.sort()).toEqual([
      'turnout_account_health gauge',
      'turnout_attempts_total counter',
      'turnout_buffered_bytes gauge',
      'turnout_build_info gauge',
      'turnout_configuration_error gauge',
      'turnout_first_output_seconds histogram',
      'turnout_leases gauge',
      'turnout_ledger_lag_records gauge',
      'turnout_overhead_seconds histogram',
      'turnout_ready gauge',
      'turnout_refusals_total counter',
      'turnout_sessions gauge',
      'turnout_tier_served_above_total counter',
      'turnout_turn_seconds histogram',
      'turnout_turns_total counter',
    ])
    expect(text.match(/^# HELP/gm)).toHaveLength(names.length)
  })

  it('of two gateways in one process do not meet', async () => {
    const first = new PrometheusMetrics(quiet)
    const second = new PrometheusMetrics(quiet)
    first.refused('invalid_json')
    expect((await lines(second)).filter((line) => line.startsWith('turnout_refusals_total'))).toEqual([])
  })
})
