import { describe, expect, test } from 'vitest'
import { abortable } from '../../src/lib/abortable.ts'

describe('what may be called off', () => {
  test('comes to what it comes to', async () => {
    await expect(abortable(Promise.resolve(1), new AbortController().signal)).resolves.toBe(1)
    await expect(abortable(Promise.reject(new Error('no')), new AbortController().signal)).rejects.toThrow('no')
  })

  test('rejects with the reason when it is called off, before or meanwhile', async () => {
    const early = AbortSignal.abort(new Error('gone'))
    await expect(abortable(Promise.resolve(1), early)).rejects.toThrow('gone')
    const late = new AbortController()
    const waiting = abortable(new Promise(() => {}), late.signal)
    late.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
  })

  test('is unheard afterwards, even where it fails', async () => {
    const controller = new AbortController()
    const failing = Promise.withResolvers<void>()
    const waiting = abortable(failing.promise, controller.signal)
    controller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    failing.reject(new Error('too late'))
    await new Promise((resolve) => setImmediate(resolve))
  })
})
