import { describe, expect, test } from 'vitest'
import { carry, foreignItems, sendsForeign, type Carry, type Ownership, type SealedItem } from '../../src/core/continuation.ts'
import type { ResponseId } from '../../src/core/ids.ts'
import type { Reference } from '../../src/core/turn.ts'
import { accountId, keyId } from '../support/accounts.ts'

const laptop = keyId('laptop')
const response = (id: string): Reference => ({ kind: 'response', id: id as ResponseId })
const owned = (reference: Reference, account: string | null, key = 'laptop'): Ownership => ({
  reference,
  owner: account === null ? null : { account: accountId(account), key: keyId(key) },
})
const code = (carried: Carry) => (carried.kind === 'lost' ? carried.refusal.code : carried)

describe('a question that builds on earlier answers', () => {
  // E10 E11
  test('on none may go anywhere', () => expect(carry([], laptop)).toEqual({ kind: 'free' }))
  test('on one goes to the account that gave it', () => expect(carry([owned(response('r'), 'a')], laptop)).toEqual({ kind: 'owner', account: 'a' }))

  test('on several of one account goes there', () => {
    const all = [owned(response('r'), 'a'), owned({ kind: 'conversation', id: 'c' }, 'a'), owned({ kind: 'item', id: 'i' }, 'a')]
    expect(carry(all, laptop)).toEqual({ kind: 'owner', account: 'a' })
  })

  test.each<[title: string, ownerships: Ownership[]]>([
    ['that nobody has seen', [owned(response('r'), null)]],
    ['of another key', [owned(response('r'), 'a', 'phone')]],
    ['of two accounts', [owned({ kind: 'item', id: 'i' }, 'a'), owned(response('r'), 'b')]],
    ['of which one is unknown', [owned({ kind: 'item', id: 'i' }, 'a'), owned(response('r'), null)]],
    ['of which the first is unknown', [owned(response('r'), null), owned({ kind: 'item', id: 'i' }, 'a')]],
    ['of which one is another key’s', [owned({ kind: 'item', id: 'i' }, 'a'), owned(response('r'), 'a', 'phone')]],
  ])('%s is lost', (_title, ownerships) => {
    expect(code(carry(ownerships, laptop))).toBe('previous_response_not_found')
  })

  test('of another key gets the very answer of one that nobody has seen', () => {
    expect(carry([owned(response('r'), 'a', 'phone')], laptop)).toEqual(carry([owned(response('r'), null)], laptop))
  })

  test.each<[reference: Reference, param: string, message: string]>([
    [response('resp_1'), 'previous_response_id', "Previous response with id 'resp_1' not found."],
    [{ kind: 'conversation', id: 'conv_1' }, 'conversation', "Conversation with id 'conv_1' not found."],
    [{ kind: 'item', id: 'msg_1' }, 'input', "Item with id 'msg_1' not found."],
  ])('is told which reference was lost: %j', (reference, param, message) => {
    const carried = carry([owned(reference, null)], laptop)
    expect(carried.kind === 'lost' && carried.refusal).toMatchObject({ param, message })
  })

  test('is told of the reference that is lost, not of the one that is known', () => {
    const carried = carry([owned({ kind: 'item', id: 'mine' }, 'a'), owned(response('theirs'), 'a', 'phone')], laptop)
    expect(carried.kind === 'lost' && carried.refusal.message).toContain('theirs')
  })
})

describe('sealed reasoning', () => {
  // E9
  const sealed: readonly SealedItem[] = [
    { index: 0, sealer: accountId('a') },
    { index: 3, sealer: accountId('b') },
    { index: 5, sealer: null },
  ]
  test('of another account stays behind, and what nobody knows is tried', () => {
    expect(foreignItems(sealed, accountId('a'), 'try')).toEqual([3])
    expect(foreignItems(sealed, accountId('c'), 'try')).toEqual([0, 3])
  })

  test('of nobody known stays behind too, once it was refused', () => expect(foreignItems(sealed, accountId('a'), 'drop')).toEqual([3, 5]))
  test('that is not there leaves nothing behind', () => expect(foreignItems([], accountId('a'), 'drop')).toEqual([]))

  test.each<[title: string, sent: readonly SealedItem[], unknown: 'try' | 'drop', foreign: boolean]>([
    ['that nobody knows may be refused', sealed, 'try', true],
    ['that nobody knows is not sent any more, once it was refused', sealed, 'drop', false],
    ['of somebody known is sent to its own account alone', sealed.slice(0, 2), 'try', false],
    ['that is not there is refused by nobody', [], 'try', false],
  ])('%s', (_title, sent, unknown, foreign) => expect(sendsForeign(sent, unknown)).toBe(foreign))
})
