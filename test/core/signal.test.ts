import { expect, test } from 'vitest'
import { answerSignal } from '../../src/core/signal.ts'

// B12 B26
test.each<[title: string, body: string, contentType: string, format: string]>([
  ['an object is JSON', ' {"error":{}}', 'application/json', 'json'],
  ['an object is JSON, whatever its type says', '{"error":{}}', 'text/html', 'json'],
  ['a list is JSON', '[{"error":{}}]', 'text/plain', 'json'],
  ['a page is a page', '\n<!DOCTYPE html><html>', 'text/html', 'html'],
  ['a page is a page, though it calls itself JSON', '<html>', 'application/json', 'html'],
  ['words that call themselves a page are one', 'error code: 1010', 'text/html; charset=UTF-8', 'html'],
  ['other words are something else', 'upstream connect error', 'text/plain', 'other'],
  ['nothing is nothing', '', 'application/json', 'empty'],
  ['white space is nothing', ' \r\n ', 'text/html', 'empty'],
])('%s', (_title, body, contentType, format) => {
  expect(answerSignal(403, { 'content-type': contentType }, Buffer.from(body), null)).toMatchObject({ kind: 'answer', status: 403, body: format })
})
