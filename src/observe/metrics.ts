import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { FailureKind } from '../core/failure.ts'
import type { AccountId } from '../core/ids.ts'
import type { Outcome } from '../core/record.ts'
import type { Metrics } from '../ports/metrics.ts'

/** What is read from its owner when someone asks for the metrics. */
export interface Gauges {
  leases(): Iterable<readonly [account: AccountId, leases: number]>
  health(): Iterable<readonly [account: AccountId, state: 'ready' | 'cooling' | 'retired' | 'disabled']>
  sessions(): number
  bufferedBytes(): Iterable<readonly [owner: string, bytes: number]>
  ledgerLag(): number
  /** Whether turns can be served; what `/readyz` says. */
  ready(): boolean
  /** Whether the configuration file is wrong as it is now, while the last good one holds. */
  configurationWrong(): boolean
  readonly version: string
}

const healthStates = ['ready', 'cooling', 'retired', 'disabled'] as const
const turnBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const overheadBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]

/** A counter that is kept here and handed to the library when someone asks: the library would make a hash of the labels at each count. */
class Counts<Label extends string> {
  readonly #counts = new Map<string, { readonly labels: Record<Label, string>; count: number }>()

  constructor(registry: Registry, name: string, help: string, labelNames: readonly Label[]) {
    const collect = (): void => {
      counter.reset()
      for (const { labels, count } of this.#counts.values()) counter.inc(labels, count)
    }
    const counter: Counter<Label> = new Counter({ name, help, labelNames, registers: [], collect })
    registry.registerMetric(counter)
  }

  /** @param key names the label set. */
  add(key: string, labels: () => Record<Label, string>): void {
    const counted = this.#counts.get(key)
    if (counted === undefined) this.#counts.set(key, { labels: labels(), count: 1 })
    else counted.count++
  }
}

/** Counts for Prometheus. Labels hold names from the configuration and words of ours only: their number is bounded, and no secret is among them. */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry()
  readonly #turns = new Counts(this.#registry, 'turnout_turns_total', 'Turns that ended, by endpoint and outcome.', ['endpoint', 'outcome'])
  readonly #attempts = new Counts(this.#registry, 'turnout_attempts_total', 'Attempts that ended, by account, outcome and kind of failure.', [
    'account',
    'outcome',
    'failure',
  ])
  readonly #refusals = new Counts(this.#registry, 'turnout_refusals_total', 'Refusals before a turn began, by code.', ['code'])
  readonly #dearer = new Counts(this.#registry, 'turnout_tier_served_above_total', 'Turns that an upstream served at a dearer tier than was sent.', ['account'])
  readonly #firstOutput: Histogram
  readonly #overhead: Histogram
  readonly #turn: Histogram

  constructor(gauges: Gauges) {
    const histogram = (name: string, help: string, buckets: number[]): Histogram => new Histogram({ name, help, buckets, registers: [this.#registry] })
    this.#firstOutput = histogram('turnout_first_output_seconds', 'From the reading of a request to its first output.', turnBuckets)
    this.#overhead = histogram('turnout_overhead_seconds', 'Time of a turn that the gateway itself took.', overheadBuckets)
    this.#turn = histogram('turnout_turn_seconds', 'From the reading of a request to the end of its turn.', turnBuckets)
    this.#gauge('turnout_leases', 'Leases that are out.', ['account'], (gauge) => {
      for (const [account, leases] of gauges.leases()) gauge.set({ account }, leases)
    })
    this.#gauge('turnout_account_health', 'State of an account: 1 for the one it is in.', ['account', 'state'], (gauge) => {
      for (const [account, state] of gauges.health()) for (const each of healthStates) gauge.set({ account, state: each }, each === state ? 1 : 0)
    })
    this.#gauge('turnout_sessions', 'Open sessions.', [], (gauge) => gauge.set(gauges.sessions()))
    this.#gauge('turnout_buffered_bytes', 'Bytes held in memory, by what holds them.', ['owner'], (gauge) => {
      for (const [owner, bytes] of gauges.bufferedBytes()) gauge.set({ owner }, bytes)
    })
    this.#gauge('turnout_ledger_lag_records', 'Records that are not in the store yet: on their way, or in its spool.', [], (gauge) =>
      gauge.set(gauges.ledgerLag()),
    )
    this.#gauge('turnout_ready', '1 while turns can be served.', [], (gauge) => gauge.set(gauges.ready() ? 1 : 0))
    this.#gauge('turnout_configuration_error', '1 while the configuration file is wrong and the last good one holds.', [], (gauge) =>
      gauge.set(gauges.configurationWrong() ? 1 : 0),
    )
    this.#gauge('turnout_build_info', 'Always 1; says which version runs.', ['version'], (gauge) => gauge.set({ version: gauges.version }, 1))
  }

  turnEnded(turn: Parameters<Metrics['turnEnded']>[0]): void {
    const { endpoint, outcome, firstOutputMs, overheadMs } = turn
    this.#turns.add(`${endpoint} ${outcome}`, () => ({ endpoint, outcome }))
    this.#turn.observe(turn.durationMs / 1000)
    if (firstOutputMs !== null) this.#firstOutput.observe(firstOutputMs / 1000)
    if (overheadMs !== null) this.#overhead.observe(overheadMs / 1000)
  }

  attemptEnded(account: AccountId, outcome: Outcome, failure: FailureKind | null): void {
    this.#attempts.add(`${account} ${outcome} ${failure}`, () => ({ account, outcome, failure: failure ?? '' }))
  }

  refused(code: string): void {
    this.#refusals.add(code, () => ({ code }))
  }

  tierServedAbove(account: AccountId): void {
    this.#dearer.add(account, () => ({ account }))
  }

  /** The text format of Prometheus. */
  async scrape(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  /** Written anew at each scrape, so that an account that is gone leaves no line behind. */
  #gauge(name: string, help: string, labelNames: readonly string[], read: (gauge: Gauge) => void): void {
    const collect = (): void => {
      gauge.reset()
      read(gauge)
    }
    const gauge: Gauge = new Gauge({ name, help, labelNames, registers: [], collect })
    this.#registry.registerMetric(gauge)
  }
}
