import type { DialectName } from '../core/turn.ts'
import { chat } from './chat/chat.ts'
import type { Dialect, Translation } from './dialect.ts'
import { messages } from './messages/messages.ts'
import { responses } from './responses/responses.ts'
import { chatTranslator } from './translate/chat/translator.ts'
import { messagesTranslator } from './translate/messages/translator.ts'
import { responsesTranslator } from './translate/responses-translator.ts'
import { translationOf, type Side } from './translate/translation.ts'

/** The wire formats that we speak, each with its way to the others. A new one is one folder and one line here. */
const sides: Readonly<Record<DialectName, Side>> = {
  responses: { dialect: responses, translator: responsesTranslator },
  chat: { dialect: chat, translator: chatTranslator },
  messages: { dialect: messages, translator: messagesTranslator },
}

export function dialectNamed(name: DialectName): Dialect {
  return sides[name].dialect
}

const made = new Map<string, Translation>()

/** How clients of one dialect are served by upstreams of another. */
export function translationBetween(client: DialectName, upstream: DialectName): Translation {
  const name = `${client} ${upstream}`
  const known = made.get(name)
  if (known !== undefined) return known
  const translation = translationOf(sides[client], sides[upstream])
  made.set(name, translation)
  return translation
}
