/** What dashboards rely on: the metrics of the public list and their labels, without those of histograms. */
export const promised: Readonly<Record<string, readonly string[]>> = {
  turnout_turns_total: ['endpoint', 'outcome'],
  turnout_attempts_total: ['account', 'failure', 'outcome'],
  turnout_refusals_total: ['code'],
  turnout_tier_served_above_total: ['account'],
  turnout_leases: ['account'],
  turnout_account_health: ['account', 'state'],
  turnout_sessions: [],
  turnout_buffered_bytes: ['owner'],
  turnout_ledger_lag_records: [],
  turnout_ready: [],
  turnout_configuration_error: [],
  turnout_build_info: ['version'],
  turnout_first_output_seconds: [],
  turnout_overhead_seconds: [],
  turnout_turn_seconds: [],
}
