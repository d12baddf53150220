import { describe, expect, it } from 'vitest'
import { Lines, lineWaitMs, waitingMax } from '../../src/observe/lines.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const info = 30
const warn = 40

function writing() {
  const clock = new VirtualClock()
  const written: string[] = []
  const lines = new Lines((text) => written.push(text), clock)
  const say = (level: number, line: string) => {
    lines.lastLevel = level
    lines.write(line)
  }
  return { clock, written, lines, say }
}

describe('lines on their way to stderr', () => {
  it('wait a moment to be written together, in order', async () => {
    const { clock, written, say } = writing()
    say(info, 'a\n')
    say(info, 'b\n')
    expect(written).toEqual([])
    await clock.advance(lineWaitMs)
    expect(written).toEqual(['a\nb\n'])
  })

  it('go out at once when one says that something is wrong, with what waited before it', () => {
    const { written, say } = writing()
    say(info, 'a\n')
    say(warn, 'trouble\n')
    expect(written).toEqual(['a\ntrouble\n'])
  })

  it('do not wait once there are many', () => {
    const { written, say } = writing()
    const line = 'x'.repeat(1024)
    for (let i = 0; i < waitingMax / line.length; i++) say(info, line)
    expect(written.join('')).toHaveLength(waitingMax)
  })

  it('are written when the process ends, and nothing is written twice', async () => {
    const { clock, written, lines, say } = writing()
    say(info, 'a\n')
    lines.flush()
    lines.flush()
    await clock.advance(lineWaitMs)
    expect(written).toEqual(['a\n'])
  })
})
