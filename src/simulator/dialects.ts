import { chat } from './chat/chat.ts'
import type { Dialect } from './dialect.ts'
import { messages } from './messages/messages.ts'
import type { DialectName } from './question.ts'
import { responses } from './responses/responses.ts'

/** Every dialect that the simulated upstream speaks. */
export const dialects: Readonly<Record<DialectName, Dialect>> = { responses, chat, messages }
