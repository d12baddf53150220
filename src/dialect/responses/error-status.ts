import type { ErrorObject } from '../../core/failure.ts'

/** What each word of an error means as a status; the specific before the general. */
const statuses: readonly (readonly [status: number, words: RegExp])[] = [
  [429, /^rate_limit|^usage_limit_reached$|^insufficient_quota$|^credit_balance_exhausted$|_(?:spend|usage)_limit_(?:exceeded|reached)$/],
  [503, /^(?:server_is_overloaded|slow_down|overloaded_error)$/],
  [401, /^authentication|^(?:invalid_api_key|token_(?:expired|invalidated|revoked)|account_deactivated)$/],
  [403, /^(?:forbidden_error|permission_error|unsupported_country_region_territory)$/],
  [400, /^invalid_|^unsupported_|_not_found$|^context_length_exceeded$|_policy(?:_violation)?$|^websocket_(?:connection|stream)_limit_reached$/],
]

/** The status of an error that was told without one. Its code is asked before its type; whatever we do not know is the server's fault. */
export function statusOf({ code, type }: Pick<ErrorObject, 'code' | 'type'>): number {
  for (const word of [code, type]) {
    const known = word === null ? undefined : statuses.find(([, words]) => words.test(word))
    if (known !== undefined) return known[0]
  }
  return 500
}
