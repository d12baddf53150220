import { expect, test } from 'vitest'
import { workerFile } from '../../src/lib/worker-file.ts'

test('a worker of a source file is a source file beside it', () => {
  expect(workerFile('./writer', 'file:///a%20b/src/storage/sqlite.ts').href).toBe('file:///a%20b/src/storage/writer.ts')
})

test('a worker of a built file is a built file beside it', () => {
  expect(workerFile('./writer', 'file:///a%20b/dist/storage/sqlite.js').href).toBe('file:///a%20b/dist/storage/writer.js')
})
