import type { Reading } from '../../core/windows.ts'
import { isObject } from '../json.ts'

/** The windows in the `rate_limits` of a `codex.rate_limits` event (protocols.md 3.5). They are told apart by their length alone. */
export function readingsOf(limits: unknown): readonly Reading[] {
  if (!isObject(limits)) return []
  return [limits['primary'], limits['secondary']].flatMap((window) => {
    if (!isObject(window)) return []
    const { window_minutes: minutes, used_percent: usedPercent, reset_at: resetAt, reset_after_seconds: resetAfterSeconds } = window
    return typeof minutes === 'number' && typeof usedPercent === 'number' ? [{ minutes, usedPercent, resetAt, resetAfterSeconds }] : []
  })
}
