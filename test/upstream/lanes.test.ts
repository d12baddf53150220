import { describe, expect, it } from 'vitest'
import type { Stray } from '../../src/ports/sockets.ts'
import { abandonedMs, Lanes, successorMs } from '../../src/upstream/lanes.ts'
import { settled, VirtualClock } from '../support/virtual-clock.ts'
import { events, idOf, reading, type Reading } from './socket-rig.ts'

const none = new AbortController().signal

class Scene {
  readonly clock = new VirtualClock()
  readonly loose: string[] = []
  readonly strays: (Stray & { readonly reading: Reading })[] = []
  readonly told: string[] = []
  readonly lanes = new Lanes({
    account: idOf('main'),
    clock: this.clock,
    listener: {
      stray: (stray) => void this.strays.push({ ...stray, reading: reading(stray.body) }),
      loose: (frame) => void this.loose.push((JSON.parse(frame.toString()) as { type: string }).type),
    },
    frameBytesMax: 1000,
    held: () => {},
    freed: () => void this.told.push('freed'),
    abandoned: () => void this.told.push('abandoned'),
    retire: () => void this.told.push('retire'),
  })

  begin(lane: string, signal = none): Reading {
    return reading(this.lanes.begin(lane, signal))
  }

  async push(...frames: object[]): Promise<void> {
    for (const frame of frames) this.lanes.push(Buffer.from(JSON.stringify(frame)))
    await settled()
  }
}

const accepted = (id: string, response: string, lane = '') => ({
  type: 'response.steer.accepted',
  steer: { id, previous_response_id: response },
  ...(lane !== '' && { stream_id: lane }),
})

describe('frames on a socket with several lanes', () => {
  it('go to the turn whose lane they name, and to the default lane where they name none', async () => {
    const scene = new Scene()
    const [a, b, plain] = [scene.begin('a'), scene.begin('b'), scene.begin('')]
    const [ofA, ofB, ofPlain] = [events('r1', 'a'), events('r2', 'b'), events('r3')]
    await scene.push(ofA.created, ofB.created, ofPlain.created, ofB.delta, ofA.delta, ofPlain.delta, ofB.completed, ofPlain.completed, ofA.failed)
    expect(a.types).toEqual(['response.created', 'response.output_text.delta', 'response.failed'])
    expect(b.types).toEqual(['response.created', 'response.output_text.delta', 'response.completed'])
    expect(plain.types).toEqual(b.types)
    expect([a, b, plain].map(({ how, closed }) => [how, closed])).toEqual([0, 1, 2].map(() => ['end', 'closed']))
    expect(scene.lanes.busy).toBe(0)
  })

  it('that are no JSON, or of a type that nobody knows, go to the turn that runs', async () => {
    const scene = new Scene()
    const turn = scene.begin('')
    scene.lanes.push(Buffer.from('hello'))
    await scene.push({ type: 'codex.rate_limits' }, { type: 'response.new_thing' })
    expect(turn.types).toEqual(['hello', 'codex.rate_limits', 'response.new_thing'])
  })

  it('take no second turn on a lane that is taken, and no more turns than the bound', () => {
    const scene = new Scene()
    expect(scene.lanes.refusal('a')).toBeNull()
    scene.begin('a')
    expect(scene.lanes.refusal('a')).toContain('still runs')
    for (let n = 1; n < 64; n++) scene.begin(`lane-${n}`)
    expect(scene.lanes.refusal('other')).toContain('too many')
  })

  it('are remembered for the lanes used last, however many upstream names', async () => {
    const scene = new Scene()
    scene.begin('lane-0')
    for (let n = 0; n < 64; n++) await scene.push(events('r', `lane-${n}`).created, events('r', `lane-${n}`).completed)
    expect(scene.lanes.hasServed('lane-0')).toBe(true)
    await scene.push(events('r', 'lane-64').created, events('r', 'lane-64').completed)
    expect([scene.lanes.hasServed('lane-0'), scene.lanes.hasServed('lane-1')]).toEqual([false, true])
  })

  it('break off the turn of a reader that does not read, at the bound of what may wait', async () => {
    const scene = new Scene()
    const turn = reading(scene.lanes.begin('', none))
    const slow = scene.lanes.begin('slow', none)
    const delta = { type: 'response.output_text.delta', delta: 'x'.repeat(420), stream_id: 'slow' }
    await scene.push(delta, delta)
    expect(scene.told).toEqual([])
    await scene.push(delta, { type: 'response.output_text.delta' })
    expect(scene.told).toEqual(['abandoned'])
    const read = reading(slow)
    await settled()
    expect(read.frames.length).toBe(2)
    expect(read.how).toContain('broken: more came than was read')
    expect(turn.types).toEqual(['response.output_text.delta'])
  })
})

describe('an error event', () => {
  const error = (code: string, lane = '') => ({ type: 'error', status: 400, error: { code }, ...(lane !== '' && { stream_id: lane }) })

  it('ends the turn of the lane that it names', async () => {
    const scene = new Scene()
    const [a, b] = [scene.begin('a'), scene.begin('b')]
    await scene.push(error('x', 'b'))
    expect([a.how, b.how]).toEqual([null, 'end'])
    expect(b.types).toEqual(['error'])
  })

  it('without a lane ends the one turn that runs, whatever its lane', async () => {
    const scene = new Scene()
    const a = scene.begin('a')
    await scene.push(error('x'))
    expect(a.types).toEqual(['error'])
    expect(scene.told).toEqual(['freed'])
  })

  it('without a lane ends the default lane’s turn where that runs among others', async () => {
    const scene = new Scene()
    const [a, plain] = [scene.begin('a'), scene.begin('')]
    await scene.push(error('x'))
    expect([a.how, plain.how]).toEqual([null, 'end'])
  })

  it('without a lane ends every turn where only named lanes run', async () => {
    const scene = new Scene()
    const [a, b] = [scene.begin('a'), scene.begin('b')]
    await scene.push(error('x'))
    expect([a.types, b.types]).toEqual([['error'], ['error']])
    expect(scene.told).not.toContain('retire')
  })

  it('about the end of the connection ends every turn, and the socket takes no more', async () => {
    const scene = new Scene()
    const [a, plain] = [scene.begin('a'), scene.begin('')]
    await scene.push(error('websocket_connection_limit_reached'))
    expect([a.types, plain.types]).toEqual([['error'], ['error']])
    expect(scene.told).toContain('retire')
  })

  it('between turns is for nobody, and the socket takes no more', async () => {
    const scene = new Scene()
    scene.lanes.forwarded()
    await scene.push(error('x'))
    expect(scene.loose).toEqual([])
    expect(scene.told).toEqual(['retire'])
  })

  it('of a lane on which nothing runs is for nobody', async () => {
    const scene = new Scene()
    const a = scene.begin('a')
    scene.lanes.forwarded()
    await scene.push(error('x', 'b'))
    expect(a.frames).toEqual([])
    expect([scene.told, scene.loose]).toEqual([[], []])
  })
})

describe('a frame between turns', () => {
  it('is dropped where nothing was passed on', async () => {
    const scene = new Scene()
    await scene.push({ type: 'session.updated' }, { type: 'codex.rate_limits' }, events('r').delta, events('r').completed)
    expect([scene.loose, scene.strays]).toEqual([[], []])
  })

  it('goes to the client where it may answer a frame that was passed on, until the next turn begins', async () => {
    const scene = new Scene()
    scene.lanes.forwarded()
    await scene.push({ type: 'session.updated' }, { type: 'codex.rate_limits' }, events('r').delta, events('r').completed)
    expect(scene.loose).toEqual(['session.updated'])
    scene.begin('')
    await scene.push(events('r').completed, { type: 'session.updated' })
    expect(scene.loose).toEqual(['session.updated'])
  })

  it('begins a stray where it begins a response', async () => {
    const scene = new Scene()
    const { created, delta, completed } = events('r9')
    await scene.push(created, delta, completed)
    const [stray] = scene.strays
    expect([stray?.account, stray?.lane]).toEqual(['main', ''])
    expect(stray?.reading.types).toEqual(['response.created', 'response.output_text.delta', 'response.completed'])
    expect([stray?.reading.how, stray?.reading.closed]).toEqual(['end', 'closed'])
  })

  it('begins none on a socket that takes no more turns', async () => {
    const scene = new Scene()
    scene.lanes.dropStrays()
    scene.lanes.forwarded()
    await scene.push(events('r9').created, { type: 'session.updated' })
    expect([scene.strays, scene.loose]).toEqual([[], []])
  })
})

describe('a steered answer', () => {
  it('keeps its lane until its successor has ended, which comes as a stray', async () => {
    const scene = new Scene()
    const first = scene.begin('')
    const [one, two] = [events('r1'), events('r2')]
    await scene.push(one.created, accepted('st', 'r1'), one.incomplete)
    expect([first.how, first.closed, scene.lanes.busy]).toEqual(['end', 'open', 1])
    expect(scene.lanes.refusal('')).not.toBeNull()
    await scene.push(two.created, two.delta)
    expect([first.closed, scene.strays.length]).toEqual(['open', 1])
    await scene.push(two.completed)
    expect([first.closed, scene.strays[0]?.reading.closed, scene.lanes.busy]).toEqual(['closed', 'closed', 0])
    expect(first.types).toEqual(['response.created', 'response.incomplete'])
    expect(scene.loose).toEqual(['response.steer.accepted'])
    expect(scene.clock.pending).toBe(0)
  })

  it('leaves the words of its successor to that one, though it was heard last', async () => {
    const scene = new Scene()
    const turn = scene.begin('')
    const [one, two] = [events('r1'), events('r2')]
    await scene.push(one.created, one.delta, accepted('st', 'r1'), one.incomplete, two.created, two.delta, two.completed)
    expect(turn.types).toEqual(['response.created', 'response.output_text.delta', 'response.incomplete'])
    expect(scene.strays[0]?.reading.types).toEqual(['response.created', 'response.output_text.delta', 'response.completed'])
  })

  it('keeps its lane for the successor of its successor too', async () => {
    const scene = new Scene()
    const first = scene.begin('')
    await scene.push(events('r1').created, accepted('a', 'r1'), events('r1').incomplete, events('r2').created, accepted('b', 'r2'), events('r2').incomplete)
    expect([first.closed, scene.strays[0]?.reading.closed, scene.lanes.busy]).toEqual(['closed', 'open', 1])
    await scene.push(events('r3').created, events('r3').completed)
    expect(scene.strays.map(({ reading }) => reading.closed)).toEqual(['closed', 'closed'])
  })

  for (const type of ['response.steer.failed', 'response.steer.pending']) {
    for (const [when, before] of [
      ['before', true],
      ['after', false],
    ] as const) {
      it(`lets its lane go on ${type} ${when} its end`, async () => {
        const scene = new Scene()
        const first = scene.begin('')
        const told = { type, steer: { id: 'st' } }
        await scene.push(events('r1').created, accepted('st', 'r1'), ...(before ? [told, events('r1').completed] : [events('r1').completed, told]))
        expect([first.how, first.closed, scene.lanes.busy]).toEqual(['end', 'closed', 0])
        expect(scene.loose).toEqual(['response.steer.accepted', type])
      })
    }
  }

  it('keeps its lane when another steer fails, or one fails that was never accepted', async () => {
    const scene = new Scene()
    const first = scene.begin('')
    await scene.push(events('r1').created, accepted('st', 'r1'), { type: 'response.steer.failed', steer: {} }, events('r1').completed)
    await scene.push({ type: 'response.steer.failed', steer: { id: 'other' } })
    expect([first.how, first.closed]).toEqual(['end', 'open'])
  })

  it('lets its lane go when no successor comes in time, and takes a late one for a stray', async () => {
    const scene = new Scene()
    const first = scene.begin('')
    await scene.push(events('r1').created, accepted('st', 'r1'), events('r1').incomplete)
    await scene.clock.advance(successorMs - 1)
    expect(first.closed).toBe('open')
    await scene.clock.advance(1)
    expect([first.closed, scene.lanes.busy]).toEqual(['closed', 0])
    await scene.push(events('r2').created)
    expect(scene.strays.length).toBe(1)
  })

  it('is found by its id where the event names no lane', async () => {
    const scene = new Scene()
    const [a, b] = [scene.begin('a'), scene.begin('b')]
    await scene.push(events('r1', 'a').created, events('r2', 'b').created, accepted('st', 'r2'), events('r1', 'a').completed, events('r2', 'b').incomplete)
    expect([a.closed, b.closed]).toEqual(['closed', 'open'])
    await scene.push(events('r3', 'b').created, events('r3', 'b').completed)
    expect([scene.strays[0]?.lane, b.closed]).toEqual(['b', 'closed'])
  })

  it('tells who waits for its lane when its successor has ended', async () => {
    const scene = new Scene()
    const told: string[] = []
    scene.lanes.whenFree('', () => told.push('idle'))
    scene.begin('')
    scene.lanes.whenFree('', () => told.push('free'))
    await scene.push(events('r1').created, accepted('st', 'r1'), events('r1').incomplete, events('r2').created)
    expect(told).toEqual(['idle'])
    await scene.push(events('r2').completed)
    expect(told).toEqual(['idle', 'free'])
  })
})

describe('a turn that was given up', () => {
  it('gets nothing more, and is done when its terminal event has come', async () => {
    const scene = new Scene()
    const body = scene.lanes.begin('a', none)
    const [a, b] = [reading(body), scene.begin('b')]
    const free: string[] = []
    scene.lanes.whenFree('a', () => free.push('a'))
    await scene.push(events('r1', 'a').created)
    body.cancel()
    expect([scene.told, scene.lanes.busy, scene.lanes.hasAbandoned, free]).toEqual([['abandoned'], 1, true, ['a']])
    await scene.push(events('r1', 'a').delta, events('r2', 'b').created)
    expect([a.types, b.types]).toEqual([['response.created'], ['response.created']])
    expect(a.closed).toBe('open')
    await scene.push(events('r1', 'a').completed)
    expect([a.types.length, a.how, a.closed, scene.lanes.hasAbandoned]).toEqual([1, null, 'closed', false])
    expect(scene.clock.pending).toBe(0)
  })

  it('is done after a while, though its upstream goes on', async () => {
    const scene = new Scene()
    const body = scene.lanes.begin('a', none)
    const a = reading(body)
    body.cancel()
    await scene.clock.advance(abandonedMs - 1)
    expect(a.closed).toBe('open')
    await scene.clock.advance(1)
    expect(a.closed).toBe('closed')
    await scene.push(events('r1', 'a').delta)
    expect([a.frames, scene.loose]).toEqual([[], []])
  })

  it('by its signal is told to its reader as a break', async () => {
    const scene = new Scene()
    const stop = new AbortController()
    const a = scene.begin('a', stop.signal)
    stop.abort(new Error('shutdown'))
    expect(a.how).toBe('broken: the call was called off')
    expect(scene.told).toEqual(['abandoned'])
  })

  it('by its signal after its end is given up no more', async () => {
    const scene = new Scene()
    const stop = new AbortController()
    const a = scene.begin('a', stop.signal)
    await scene.push(events('r1', 'a').completed)
    stop.abort(new Error('shutdown'))
    expect([a.how, scene.told]).toEqual(['end', ['freed']])
  })
})

it('a turn that begins on a lane while the one before breaks off over its last frame is its own', async () => {
  const scene = new Scene()
  const body = scene.lanes.begin('', none)
  const next: Reading[] = []
  body.read({
    chunk() {
      body.cancel()
      scene.lanes.fail('the turn was given up')
      next.push(scene.begin(''))
    },
    end: () => {},
    broken: () => {},
  })
  await scene.push(events('r1').completed)
  expect(scene.lanes.busy).toBe(1)
  await scene.push(events('r2').completed)
  expect(next[0]?.how).toBe('end')
})

it('every turn on a socket that dies is told so, and is done', async () => {
  const scene = new Scene()
  const turns = [scene.begin('a'), scene.begin('b')]
  const body = scene.lanes.begin('c', none)
  const given = reading(body)
  body.cancel()
  await scene.push(events('r1', 'a').created, accepted('st', 'r1', 'a'), events('r1', 'a').incomplete)
  scene.lanes.fail('cut')
  await settled()
  expect(turns.map(({ how, closed }) => [how, closed])).toEqual([
    ['end', 'closed'],
    ['broken: cut', 'closed'],
  ])
  expect([given.how, given.closed]).toEqual([null, 'closed'])
  expect([scene.lanes.busy, scene.clock.pending]).toEqual([0, 0])
})
