import { chatClient } from './dialect-chat-client.ts'
import type { DialectClient, Spoken } from './dialect-client.ts'
import { messagesClient } from './dialect-messages-client.ts'
import { responsesClient } from './dialect-responses-client.ts'

export * from './dialect-client.ts'

/** A client of each dialect. */
export const clients: Readonly<Record<Spoken, DialectClient>> = { responses: responsesClient, chat: chatClient, messages: messagesClient }

export const spoken: readonly Spoken[] = ['responses', 'chat', 'messages']

/** A client's dialect, and that of the only accounts which could serve it. */
export interface Way {
  readonly client: Spoken
  readonly upstream: Spoken
}

/** Every pair, those that need no translation among them. */
export const ways: readonly Way[] = spoken.flatMap((client) => spoken.map((upstream) => ({ client, upstream })))
