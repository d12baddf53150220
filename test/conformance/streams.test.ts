import { describe, expect, test } from 'vitest'
import { ways } from '../support/dialect-clients.ts'
import { flowOf, heardIn, relay } from '../support/dialect-flow.ts'
import { recorded } from '../support/dialect-streams.ts'

describe.each(ways)('a stream of $upstream for a client of $client', (way) => {
  const { client, upstream } = way
  const said = recorded[upstream].map((one) => [one.title, one] as const)
  /** What nobody knows passes where nothing is translated. */
  const isPassed = (breach: string): boolean => client === upstream && /has number|codex\.rate_limits/.test(breach)

  test.each(said)('is heard as it was meant: %s', (_title, { text, heard }) => {
    const { said, kind, committed } = relay(way, [Buffer.from(text)])
    const hearing = heardIn(client, said)
    expect(hearing).toMatchObject(heard)
    expect(hearing.breaches.filter((breach) => !isPassed(breach))).toEqual([])
    expect([kind, committed]).toEqual(['terminal', true])
    if (client !== 'chat' && upstream !== 'chat' && text.includes('Hm.')) expect(hearing.thought).toBe('Hm.')
    if (client === upstream) expect(said).toBe(text.slice(1))
  })

  // The last differs from the one before by one word.
  test.each(said.slice(0, 2))('is the same wherever its reads are cut: %s', (_title, { text }) => {
    const bytes = Buffer.from(text)
    const once = relay(way, [bytes])
    for (let at = 1; at < bytes.length; at++) {
      const cut = relay(way, [bytes.subarray(0, at), bytes.subarray(at)])
      if (cut.said !== once.said || cut.kind !== once.kind) expect({ at, ...cut }).toEqual({ at, ...once })
    }
    expect(
      relay(
        way,
        Array.from(bytes, (byte) => Buffer.from([byte])),
      ),
    ).toEqual(once)
  })

  test.each(said)('that is cut anywhere has no end: %s', (_title, { text }) => {
    const bytes = Buffer.from(text)
    const ends = [...text.matchAll(/\r?\n\r?\n/g)].map((match) => Buffer.byteLength(text.slice(0, match.index + match[0].length)))
    for (const at of [...ends.slice(0, -1), ...ends.slice(0, -1).map((end) => end - 3)]) {
      const { said } = relay(way, [bytes.subarray(0, at)])
      const isFinished = upstream === 'chat' && /"finish_reason":"/.test(text.slice(0, at))
      // Some services forget their last word, and all was said.
      if (!isFinished) expect(heardIn(client, said).isOver).toBe(false)
    }
  })

  test.each(said)('gives each word of its text at once: %s', (_title, { text, heard }) => {
    const flow = flowOf(way)
    const words: readonly string[] = heard['pieces'] as readonly string[]
    let said = ''
    let spoken = 0
    for (const event of text.slice(1).split(/(?<=\r?\n\r?\n)/)) {
      flow.push(Buffer.from(event))
      said += Buffer.concat(flow.takeOut()).toString()
      const word = words[spoken]
      if (word !== undefined && event.includes(JSON.stringify(word))) {
        spoken++
        expect(heardIn(client, said).pieces).toEqual(words.slice(0, spoken))
      }
    }
    expect(spoken).toBe(words.length)
  })
})
