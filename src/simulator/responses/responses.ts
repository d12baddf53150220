import type { Answer } from '../answer.ts'
import type { Place } from '../deed.ts'
import type { Dialect, Failing } from '../dialect.ts'
import { refused, type JsonObject } from '../error.ts'
import { headersTold, statusTold, statusUntold } from '../error-event.ts'
import { frame, type Frame } from '../frame.ts'
import { responsesTrouble } from '../openai-trouble.ts'
import { modelTold, openaiHeaders, openaiLimits } from '../openai.ts'
import { errorFrame, eventsOf, failedFrame, failedJsonOf, jsonOf } from './events.ts'
import { readResponses } from './read.ts'

/** The Responses API (protocols.md 1). */
export const responses: Dialect = {
  name: 'responses',
  headers: openaiHeaders,
  refuser: () => refused,
  read: readResponses,
  least: (model, text, stream) => ({ model, input: text, stream, store: false }),
  trouble: responsesTrouble,
  limits: {
    'x-codex-primary-used-percent': '42.5',
    'x-codex-primary-window-minutes': '300',
    'x-codex-primary-reset-after-seconds': '7200',
    'x-codex-secondary-used-percent': '12',
    'x-codex-secondary-window-minutes': '10080',
    'x-codex-secondary-reset-after-seconds': '400000',
    'x-codex-turn-state': 'sticky-simulated-state',
    ...openaiLimits,
  },
  told: modelTold,
  events: eventsOf,
  whole: jsonOf,
  failedWhole: failedJsonOf,
  failedEvent,
  place,
  malformed: { waitMs: 0, event: 'response.output_text.delta', text: '{"type":"response.output_text.delta","delta":' },
  extra,
}

/** Two events of its life, then item, part and delta; the terminal event is the end. */
function place(place: Place, _said: Answer, events: number): number {
  switch (place) {
    case 'output':
      return 2
    case 'more':
      return 5
    case 'end':
      return events - 1
  }
}

function failedEvent(said: Answer, failing: Failing): Frame {
  const { deed, sequence } = failing
  return deed.as === 'failed' ? failedFrame(said, deed.error, sequence) : errorFrame(deed.error, deed.as, topOf(failing))
}

/** What stands at the top of an error event beside the error. A stream over HTTP tells the status only where it was asked to. */
function topOf({ deed: { as, error, headers, socket }, transport, sequence }: Failing): JsonObject {
  const top = { sequence_number: sequence }
  if (transport === 'http') return as === 'flat' || error.status === null ? top : { ...top, status: error.status }
  const told = headersTold(headers)
  return { ...top, ...statusTold(error.status ?? statusUntold, socket.statusAs), ...(Object.keys(told).length === 0 ? {} : { headers: told }) }
}

function extra(type: string): Frame {
  if (type !== 'codex.rate_limits') return frame({ type })
  const window = (used: number, minutes: number) => ({ used_percent: used, window_minutes: minutes, reset_at: 1_795_003_600 })
  return frame({ type, plan_type: 'plus', rate_limits: { primary: window(42, 300), secondary: window(12, 10_080) }, credits: null })
}
