import { describe, expect, it } from 'vitest'
import { createdId, errorCode, frameLane, frameType, isPlainOutput, isTerminal, steerOf, inLane } from '../../src/upstream/frame.ts'

const bytes = (text: string) => Buffer.from(text)

describe('what is looked up in a frame', () => {
  for (const [what, frame, type] of [
    ['as nearly every upstream writes it', '{"type":"response.created","response":{}}', 'response.created'],
    ['with white space', ' { "type" : "response.created" }', 'response.created'],
    ['not at the front', '{"stream_id":"a","response":{"type":"x"},"type":"error"}', 'error'],
    ['with an escape', String.raw`{"type":"response\u002ecreated"}`, 'response.created'],
    ['longer than any', `{"type":"${'x'.repeat(200)}"}`, 'x'.repeat(200)],
    ['that is no string', '{"type":1}', null],
    ['of a frame that has none', '{"a":"type"}', null],
    ['of a frame that is cut', '{"type":"respo', null],
    ['of a list', '["type","error"]', null],
    ['of what is no JSON', 'hello', null],
    ['of an empty frame', '', null],
  ] as const) {
    it(`its type, ${what}`, () => expect(frameType(bytes(frame))).toBe(type))
  }

  for (const type of ['response.output_text.delta', 'response.output_item.done', 'response.output_audio.delta']) {
    it(`nothing more, where it is plainly a ${type}`, () => expect(isPlainOutput(bytes(`{"type":"${type}"}`))).toBe(true))
  }

  for (const frame of [
    '{"type":"response.completed"}',
    '{"type":"response.created"}',
    '{"type":"response.steer.accepted"}',
    '{"type":"error"}',
    '{"type":"response.output',
    ' {"type":"response.output_text.delta"}',
    '',
  ]) {
    it(`its type, where that is not plain: ${frame}`, () => expect(isPlainOutput(bytes(frame))).toBe(false))
  }

  for (const [what, frame, lane] of [
    ['at the front', '{"stream_id":"a","type":"x"}', 'a'],
    ['at the end, behind much', `{"type":"x","response":{"text":"${'y'.repeat(100_000)}"},"stream_id":"b"}`, 'b'],
    ['of a frame that names none', '{"type":"x"}', ''],
    ['not the one that text speaks of', String.raw`{"type":"x","delta":"\"stream_id\":\"a\""}`, ''],
    ['not the one of a member inside', '{"type":"x","response":{"stream_id":"a"}}', ''],
    ['the last one, as parsers take it', '{"stream_id":"a","stream_id":"b"}', 'b'],
    ['none where it is no string', '{"stream_id":7}', ''],
  ] as const) {
    it(`its lane, ${what}`, () => expect(frameLane(bytes(frame))).toBe(lane))
  }

  it('whether its response ends with it', () => {
    for (const type of ['response.completed', 'response.incomplete', 'response.failed', 'error']) expect(isTerminal(type)).toBe(true)
    for (const type of ['response.created', 'response.output_text.done', 'codex.rate_limits', null]) expect(isTerminal(type)).toBe(false)
  })

  it('the code of an error, inside its object or beside its type', () => {
    expect(errorCode(bytes('{"type":"error","error":{"code":"a"},"code":"b"}'))).toBe('a')
    expect(errorCode(bytes('{"type":"error","code":"b"}'))).toBe('b')
    expect(errorCode(bytes('{"type":"error","error":"text"}'))).toBeNull()
    expect(errorCode(bytes(`{"type":"error","code":"b","message":"${'x'.repeat(300_000)}"}`))).toBeNull()
  })

  it('which response was steered', () => {
    expect(steerOf(bytes('{"type":"response.steer.accepted","steer":{"id":"st_1","previous_response_id":"resp_1"}}'))).toEqual({
      id: 'st_1',
      response: 'resp_1',
    })
    expect(steerOf(bytes('{"type":"response.steer.failed"}'))).toEqual({ id: null, response: null })
    expect(steerOf(bytes('{"type":"response.steer.failed"'))).toEqual({ id: null, response: null })
  })

  it('the id of a response that begins', () => {
    expect(createdId(bytes('{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response"}}'))).toBe('resp_1')
    expect(createdId(bytes('{"type":"response.created"}'))).toBeNull()
    expect(createdId(bytes('{ "event" : { "id" : 7 } , "response" : { "id" : "resp_1" } }'))).toBe('resp_1')
  })

  it.each([
    ['is cut', '{"response":{"id":"resp_1'],
    ['is empty', '{"response":{"id":""}}'],
    ['holds an escape', String.raw`{"response":{"id":"resp\u005f1"}}`],
    ['is longer than any', `{"response":{"id":"${'x'.repeat(513)}"}}`],
    ['stands too far behind', `{"response":{"text":"${'x'.repeat(600)}","id":"resp_1"}}`],
  ])('no id of a response where it %s', (_what, frame) => expect(createdId(bytes(frame))).toBeNull())
})

it('an error that names no lane is said in one, and stays as it came in the default lane', () => {
  const frame = Buffer.from(' {"type":"error","status":400,"error":{"code":"x"}}')
  expect(JSON.parse(inLane(frame, 'left').toString())).toEqual({ type: 'error', stream_id: 'left', status: 400, error: { code: 'x' } })
  expect(inLane(frame, '')).toBe(frame)
})
