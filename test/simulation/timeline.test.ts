import { expect, test } from 'vitest'
import { Timeline } from './timeline.ts'

test('timers ring in the order of their time, those of one moment in the order in which they were set', async () => {
  const timeline = new Timeline(0)
  const rung: string[] = []
  const at = (ms: number, name: string) => timeline.after(ms, () => rung.push(`${name} ${timeline.now()}`))
  at(5, 'c')
  at(1, 'a')
  at(5, 'd')
  const takeBack = at(2, 'never')
  at(3, 'b')
  takeBack()
  expect(timeline.pending).toBe(4)
  await timeline.run(() => false)
  expect(rung).toEqual(['a 1', 'b 3', 'c 5', 'd 5'])
  expect(timeline.pending).toBe(0)
})

test('everything that follows from one timer, however many promises deep, happens before the next', async () => {
  const timeline = new Timeline(0)
  const seen: string[] = []
  const deep = async (steps: number): Promise<void> => {
    for (let step = 0; step < steps; step++) await Promise.resolve()
    seen.push(`deep at ${timeline.now()}`)
  }
  timeline.after(1, () => void deep(500))
  timeline.after(2, () => seen.push('next'))
  await timeline.run(() => false)
  expect(seen).toEqual(['deep at 1', 'next'])
})

test('ten thousand timers, nine in ten taken back, leave the others in their order', async () => {
  const timeline = new Timeline(0)
  const rung: number[] = []
  for (let i = 0; i < 10_000; i++) {
    const takeBack = timeline.after((i * 7919) % 10_007, () => rung.push(timeline.now()))
    if (i % 10 !== 0) takeBack()
  }
  expect(timeline.pending).toBe(1000)
  await timeline.run(() => false)
  expect(rung).toEqual(rung.toSorted((a, b) => a - b))
  expect(rung).toHaveLength(1000)
})

test('a run stops when it is told to, and what a ring throws ends it', async () => {
  const timeline = new Timeline(0)
  timeline.after(1, () => {})
  timeline.after(2, () => {
    throw new Error('in a ring')
  })
  await timeline.run(() => timeline.rung === 1)
  expect(timeline.now()).toBe(1)
  await expect(timeline.run(() => false)).rejects.toThrow('in a ring')
})
