import { describe, expect, test } from 'vitest'
import { readError } from '../../../src/dialect/responses/error.ts'
import { errorObject, type SaysError } from '../../support/signals.ts'

describe('the error object of an upstream’s body', () => {
  const read = (said: unknown) => readError(Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)))

  test.each<[title: string, said: unknown, says: SaysError]>([
    [
      'is read whole',
      { error: { code: 'c', type: 't', message: 'm', param: 'p', resets_at: 1, resets_in_seconds: 2 } },
      { code: 'c', type: 't', message: 'm', param: 'p', resetsAt: 1, resetsInSeconds: 2 },
    ],
    ['may be a word', { error: 'oh' }, { message: 'oh' }],
    ['may be a detail', { detail: 'Not Found' }, { message: 'Not Found' }],
    ['may be a detail with a code', { detail: { code: 'deactivated_workspace' } }, { code: 'deactivated_workspace' }],
    ['may be the body itself', { message: 'm', code: 'c' }, { message: 'm', code: 'c' }],
    ['may have a number for a code', { error: { code: 429, message: 'm' } }, { code: '429', message: 'm' }],
    ['may be null, and then says nothing', { error: null }, {}],
    ['has members of wrong types for absent', { error: { code: {}, message: [], param: true } }, {}],
    ['may be a list, and then says nothing', { error: ['a'] }, {}],
  ])('%s', (_title, said, says) => {
    expect(read(said)).toEqual(errorObject(says))
  })

  test.each(['', 'oh', '<html>', '[]', 'null', '7', '{"error":'])('is not there in %j', (said) => expect(read(said)).toBeNull())
})
