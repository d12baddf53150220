import type { ServerResponse } from 'node:http'
import type { Clock } from '../lib/clock.ts'
import type { Step } from './play.ts'
import type { Scripted } from './stage.ts'

/** Plays a script on a connection, at its pace and no faster than the other side reads. Stops when the connection is gone. */
export function perform(scripted: Scripted, response: ServerResponse, clock: Clock): void {
  const { head, headAfterMs, steps } = scripted
  let cancel: (() => void) | null = null
  response.once('close', () => cancel?.())
  const wait = (ms: number, then: () => void) => {
    cancel = clock.after(ms, then)
  }
  const start = () => {
    if (head !== null) response.writeHead(head.status, { ...head.headers } as { [name: string]: string | string[] })
    if (head !== null && !startsAtOnce(steps)) response.flushHeaders()
    run(0, 'wait')
  }
  const run = (at: number, first: 'wait' | 'waited'): void => {
    for (let index = at; index < steps.length; index += 1) {
      const step = steps[index]
      if (step === undefined || response.destroyed) return
      if (step.kind !== 'send') return finish(step, response)
      if (step.waitMs > 0 && (index > at || first === 'wait')) return wait(step.waitMs, () => run(index, 'waited'))
      if (steps[index + 1]?.kind === 'end') {
        response.end(step.bytes)
        return
      }
      if (!response.write(step.bytes)) {
        response.once('drain', () => run(index + 1, 'wait'))
        return
      }
    }
  }
  if (headAfterMs > 0) wait(headAfterMs, start)
  else start()
}

function startsAtOnce(steps: readonly Step[]): boolean {
  const first = steps[0]
  return first === undefined || first.kind === 'end' || (first.kind === 'send' && first.waitMs === 0)
}

function finish(step: Exclude<Step, { kind: 'send' }>, response: ServerResponse): void {
  const { socket } = response
  switch (step.kind) {
    case 'end':
      response.end()
      return
    case 'cut':
      // An empty write comes back when all that stood before it is on its way.
      socket?.write('', () => socket.destroy())
      return
    case 'reset':
      socket?.resetAndDestroy()
      return
    case 'hang':
      return
  }
}
