import { describe, expect, it } from 'vitest'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import { create, responseOf, Stand, typesOf, wordsOf } from './stand.ts'
import { remembering, type Fields } from './support.ts'

/** A stand whose first turn has said so many events. */
function speaking(steps: number, fields: Fields = {}, behaviour: BehaviourSpec = {}) {
  const stand = new Stand(remembering({ behaviour: { text: 'abcdef', deltas: 6, ...behaviour } }))
  stand.say(create({ input: 'one', ...fields }))
  const [turn] = stand.running
  if (turn === undefined) throw new Error('no turn began')
  stand.step(turn, steps)
  return { stand, turn, id: String(responseOf(stand.heard[0])['id']) }
}
const steer = (id: string, more: Fields = {}) => ({ type: 'response.steer', previous_response_id: id, input: 'instead', ...more })
const failures = (stand: Stand) => stand.heard.filter((event) => event['type'] === 'response.steer.failed')
const codeOf = (stand: Stand) => (failures(stand).at(-1)?.['error'] as Fields | undefined)?.['code']

/** created, in_progress, item, part, two deltas. */
const twoDeltas = 6

describe('a steer', () => {
  it('is accepted, ends the running answer, and the service begins the next by itself', () => {
    const { stand, id } = speaking(twoDeltas, { store: true })
    stand.say(steer(id))
    stand.play()
    expect(typesOf(stand.heard).slice(twoDeltas, twoDeltas + 7)).toEqual([
      'response.steer.accepted',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete',
      'response.created',
      'response.in_progress',
    ])
    expect(stand.heard[twoDeltas]).toMatchObject({ steer: { id: expect.stringMatching(/^steer_/) as unknown, previous_response_id: id } })
    const ended = responseOf(stand.heard[twoDeltas + 4])
    expect(ended).toMatchObject({
      id,
      status: 'incomplete',
      incomplete_details: { reason: 'steered' },
      output: [{ status: 'incomplete', content: [{ text: 'ab' }] }],
    })
    const next = responseOf(stand.heard.at(-1))
    expect(next).toMatchObject({ status: 'completed', previous_response_id: id })
    expect(next['id']).not.toBe(id)
    expect(stand.memory.stored('key-a', id)).not.toBeNull()
  })

  it('is told to the model behind what was said before it', () => {
    const { stand, id } = speaking(twoDeltas, { stream_id: 'lane' })
    stand.say(steer(id))
    stand.play()
    expect(stand.received().map((entry) => [entry.kind, entry.method, entry.lane])).toEqual([
      ['frame', 'response.create', 'lane'],
      ['frame', 'response.steer', null],
      ['successor', 'response.create', 'lane'],
    ])
    expect(wordsOf(stand.received().at(-1))).toEqual(['one', 'ab', 'instead'])
    expect(stand.heard.every((event) => event['stream_id'] === 'lane')).toBe(true)
    stand.ask(create({ previous_response_id: responseOf(stand.heard.at(-1))['id'], input: 'on', stream_id: 'lane' }))
    expect(wordsOf(stand.received().at(-1))).toEqual(['one', 'ab', 'instead', 'abcdef', 'on'])
  })

  it('numbers the events of the answer that it ends without a gap', () => {
    const { stand, id } = speaking(twoDeltas)
    stand.say(steer(id))
    stand.play()
    const own = stand.heard.filter((event) => !String(event['type']).startsWith('response.steer')).slice(0, 10)
    expect(own.map((event) => event['sequence_number'])).toEqual(own.map((_, at) => at))
  })

  it('goes before what waits on the lane', () => {
    const { stand, id } = speaking(twoDeltas)
    stand.say(create({ input: 'later' }))
    stand.say(steer(id))
    stand.play()
    const order = stand.heard.filter((event) => event['type'] === 'response.created').map((event) => responseOf(event)['previous_response_id'])
    expect(order).toEqual([null, id, null])
  })

  it('lets an answer end by itself when all of it was said, and then follows', () => {
    const { stand, turn, id } = speaking(11)
    expect(stand.heard.at(-1)?.['type']).toBe('response.output_text.done')
    stand.say(steer(id))
    stand.step(turn, 4)
    expect(typesOf(stand.heard).slice(-3)).toEqual(['response.content_part.done', 'response.output_item.done', 'response.completed'])
    stand.play()
    expect(wordsOf(stand.received().at(-1))).toEqual(['one', 'abcdef', 'instead'])
  })

  it('may come several times; the model hears all of them, in their order', () => {
    const { stand, id } = speaking(twoDeltas)
    stand.say(steer(id))
    stand.say(steer(id, { input: [{ role: 'user', content: 'and this' }] }))
    stand.play()
    expect(wordsOf(stand.received().at(-1))).toEqual(['one', 'ab', 'instead', 'and this'])
  })

  it('waits for the outputs of calls, and goes in front of them', () => {
    const tools = [{ type: 'function', name: 'lookup', parameters: {}, strict: null }]
    const { stand, id } = speaking(3, { tools, input: 'call:lookup' })
    stand.say(steer(id))
    stand.play()
    const pending = stand.heard.at(-1)
    expect(pending).toMatchObject({ type: 'response.steer.pending', reason: 'waiting_for_required_input', steer: { previous_response_id: id } })
    const required = pending?.['required_input'] as Fields[] | undefined
    const call = required?.[0]?.['call_id']
    stand.ask(create({ tools, previous_response_id: id, input: [{ type: 'function_call_output', call_id: call, output: '42' }] }))
    expect(wordsOf(stand.received().at(-1))).toEqual(['call:lookup', 'function_call', 'instead', 'function_call_output'])
  })

  it('that waits for outputs has failed when the lane goes on with something else', () => {
    const tools = [{ type: 'function', name: 'lookup', parameters: {}, strict: null }]
    const { stand, id } = speaking(3, { tools, input: 'call:lookup' })
    stand.say(steer(id))
    stand.play()
    stand.ask(create({ input: 'never mind' }))
    expect(codeOf(stand)).toBe('successor_creation_failed')
    expect(wordsOf(stand.received().at(-1))).toEqual(['never mind'])
  })

  it('has failed when its answer does', () => {
    const { stand, id } = speaking(1, {}, { faults: [{ fault: 'failed', events: 3 }] })
    stand.say(steer(id))
    stand.play()
    expect(typesOf(stand.heard).slice(-2)).toEqual(['response.failed', 'response.steer.failed'])
    expect(failures(stand)[0]).toMatchObject({ error: { code: 'successor_creation_failed' }, steer: { id: expect.any(String) as unknown, input: 'instead' } })
  })
})

describe('a steer is refused', () => {
  it.each([
    ['an empty text', { input: '' }],
    ['no messages', { input: [] }],
    ['what is not of the user', { input: [{ role: 'assistant', content: 'x' }] }],
    ['a lane', { stream_id: 'a' }],
    ['no id', { previous_response_id: 7 }],
  ])('with %s: invalid_input', (_title, more) => {
    const { stand, id } = speaking(twoDeltas)
    stand.say(steer(id, more))
    expect(codeOf(stand)).toBe('invalid_input')
    expect(failures(stand)[0]?.['steer']).not.toHaveProperty('id')
  })

  it('for an answer that nobody gave: response_not_found', () => {
    const { stand } = speaking(twoDeltas)
    stand.say(steer('resp_other'))
    expect(codeOf(stand)).toBe('response_not_found')
  })

  it('for an answer that is over: response_already_completed', () => {
    const { stand, id } = speaking(twoDeltas)
    stand.play()
    stand.say(steer(id))
    expect(codeOf(stand)).toBe('response_already_completed')
  })

  it('for an answer that says no more: response_not_active', () => {
    const { stand, id } = speaking(1, {}, { faults: [{ fault: 'silent' }] })
    stand.say(steer(id))
    expect(codeOf(stand)).toBe('response_not_active')
  })

  it('by models that cannot, and in a conversation that is kept: steering_not_supported', () => {
    const refused = (fields: Fields, behaviour: BehaviourSpec = {}) => {
      const { stand, id } = speaking(twoDeltas, fields, behaviour)
      stand.say(steer(id))
      return codeOf(stand)
    }
    expect(refused({ model: 'gpt-5.5' })).toBe('steering_not_supported')
    expect(refused({ conversation: 'conv_1' })).toBe('steering_not_supported')
    expect(refused({}, { steering: 'never' })).toBe('steering_not_supported')
    expect(refused({ model: 'gpt-5.5' }, { steering: 'always' })).toBeUndefined()
  })

  it('behind eight others of one answer: too_many_pending_steers', () => {
    const { stand, id } = speaking(twoDeltas)
    for (let at = 0; at < 8; at += 1) stand.say(steer(id))
    expect(failures(stand)).toEqual([])
    stand.say(steer(id))
    expect(codeOf(stand)).toBe('too_many_pending_steers')
  })
})
