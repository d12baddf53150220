import { parentPort } from 'node:worker_threads'

/** The reader, but its thread ends when it is asked for the turn `die`. */
parentPort?.on('message', (message: { readonly question?: { readonly id?: string } }) => {
  if (message.question?.id === 'die') process.exit(1)
})
await import('../../src/storage/reader.ts')
