import { parentPort } from 'node:worker_threads'
import type { FromReader, ToReader } from '../../src/storage/messages.ts'

/** A reader that opens, and then neither answers nor ends. */
const port = parentPort
if (port === null) throw new Error('a worker thread')
const say = (message: FromReader): void => port.postMessage(message)
port.on('message', (message: ToReader) => {
  if (message.kind === 'open') say({ kind: 'ready' })
})
