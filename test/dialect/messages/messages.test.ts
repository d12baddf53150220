import { expect, test } from 'vitest'
import { messages } from '../../../src/dialect/messages/messages.ts'

test('its two endpoints lie where Anthropic has them', () => {
  expect(messages.path('messages')).toBe('/messages')
  expect(messages.path('count_tokens')).toBe('/messages/count_tokens')
})

test('no header of its answers names the model, and its clients look for their request elsewhere', () => {
  expect(messages).toMatchObject({ name: 'messages', modelHeader: null, requestIdHeader: 'request-id' })
})
