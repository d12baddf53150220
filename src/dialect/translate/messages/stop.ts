/** Why an answer ended, in the words of both (protocols.md 5.7, 5.8). */

export type Ended = { readonly status: 'completed' } | { readonly status: 'incomplete'; readonly reason: 'max_output_tokens' | 'content_filter' }

export function endedBy(stopReason: unknown): Ended {
  switch (stopReason) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return { status: 'incomplete', reason: 'max_output_tokens' }
    case 'refusal':
      return { status: 'incomplete', reason: 'content_filter' }
    default:
      return { status: 'completed' }
  }
}

/** What of an answer decides its `stop_reason`. */
export interface Ending {
  readonly status: unknown
  /** Of `incomplete_details`. */
  readonly reason: unknown
  readonly hasCalls: boolean
  readonly hasRefusal: boolean
}

export function stopReasonOf({ status, reason, hasCalls, hasRefusal }: Ending): string {
  // An answer that was broken off for a reason without a word here must not look whole.
  if (status === 'incomplete') return reason === 'content_filter' ? 'refusal' : 'max_tokens'
  if (hasCalls) return 'tool_use'
  return hasRefusal ? 'refusal' : 'end_turn'
}

/** What Messages says beside `stop_reason: "refusal"`. */
export function stopDetailsOf(stopReason: string): object | null {
  return stopReason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null
}
