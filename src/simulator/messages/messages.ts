import type { Answer } from '../answer.ts'
import type { Place, Told } from '../deed.ts'
import type { Dialect } from '../dialect.ts'
import { frame } from '../frame.ts'
import { likeType, messagesErrorText, refuser } from './error.ts'
import { endingEvents, messageEventsOf, messageText } from './events.ts'
import { readMessagesQuestion } from './read.ts'
import { messagesTrouble } from './trouble.ts'

/** Anthropic Messages (protocols.md 5). */
export const messages: Dialect = {
  name: 'messages',
  headers: (requestId) => ({ 'request-id': requestId }),
  refuser,
  read: readMessagesQuestion,
  least: (model, text, stream) => ({ model, max_tokens: 10_000_000, messages: [{ role: 'user', content: text }], stream }),
  trouble: messagesTrouble,
  limits: {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '49',
    'anthropic-ratelimit-requests-reset': '2026-11-18T12:00:00Z',
    'anthropic-ratelimit-unified-status': 'allowed',
    'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    'anthropic-ratelimit-unified-5h-status': 'allowed',
    'anthropic-ratelimit-unified-5h-utilization': '0.425',
    'anthropic-ratelimit-unified-5h-reset': '1795007200',
    'anthropic-ratelimit-unified-7d-status': 'allowed',
    'anthropic-ratelimit-unified-7d-utilization': '0.12',
    'anthropic-ratelimit-unified-7d-reset': '1795400000',
    'set-cookie': ['__edge=simulated; path=/; HttpOnly', 'session=simulated'],
  },
  told: () => ({}),
  events: messageEventsOf,
  whole: messageText,
  failedWhole: (_said, error) => failedText(error),
  failedEvent: (_said, { deed }) => ({ waitMs: 0, event: 'error', text: failedText(deed.error) }),
  place,
  malformed: { waitMs: 0, event: 'content_block_delta', text: '{"type":"content_block_delta","index":0,"delta":' },
  extra: (type) => frame({ type }),
}

const failedText = ({ code, message, status }: Told) => messagesErrorText({ type: likeType(code, status), message }, null)

/** The message's start and a ping, then the block's start and its first delta. */
function place(place: Place, _said: Answer, events: number): number {
  switch (place) {
    case 'output':
      return 2
    case 'more':
      return 4
    case 'end':
      return events - endingEvents
  }
}
