import { windowsOf } from '../core/windows.ts'
import type { SeenAnswer, Watched } from '../dialect/dialect.ts'
import type { HeaderList } from '../ports/sink.ts'
import type { Course } from './course.ts'
import type { Judged } from './judged.ts'
import { readerOf, type Try } from './try.ts'

/** A stream that came whole, as the answer that its client asked for. */
export function judgeGathered(course: Course, t: Try, came: { readonly bytes: Buffer; readonly watched: Watched; readonly headers: HeaderList }): Judged {
  const { world, ask, nowMs } = course
  const reader = readerOf(t)
  const gathered = reader.gather(came.bytes)
  world.accounts.metered(t.chosen.lease, windowsOf(gathered.readings, nowMs))
  const headers = came.headers.map(([name, value]): HeaderList[number] => [name, name === 'content-type' ? 'application/json' : value])
  switch (gathered.kind) {
    case 'whole':
      return whole(reader.observeAnswer(gathered.json, came.watched), headers)
    case 'told': {
      const { signal, end, json } = gathered
      const status = signal.status ?? 500
      const body = t.speech.kind === 'translated' ? ask.dialect.retell(status, signal.error).body : json
      return { kind: 'failed', signal, raw: { kind: 'whole', status, headers, body }, end }
    }
    case 'cut':
      return { kind: 'failed', signal: { kind: 'ended', detail: 'the stream ended without its terminal event' }, raw: null, end: null }
  }
}

/** A whole answer; one that says of itself that it failed is a failure. */
export function whole(answer: SeenAnswer, headers: HeaderList, status = 200): Judged {
  if (answer.signal === null) return { kind: 'whole', status, answer, headers }
  return { kind: 'failed', signal: answer.signal, raw: { kind: 'whole', status, headers, body: Buffer.concat(answer.pieces) }, end: answer.end }
}
