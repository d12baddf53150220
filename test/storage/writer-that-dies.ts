import fs from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

/** The writer, but its thread ends once for each line of the file beside the store, before it writes the batch that it was given. */
const { file } = workerData as { readonly file: string }
const deaths = `${file}.deaths`
parentPort?.on('message', (message: { readonly kind: string }) => {
  const left = fs.readFileSync(deaths, 'utf8')
  if (message.kind !== 'batch' || left === '') return
  fs.writeFileSync(deaths, left.slice(1))
  process.exit(1)
})
await import('../../src/storage/writer.ts')
