import fs from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

/** The writer, but the file beside the store says for each batch to come whether its thread ends (x) before it writes it. */
const { file } = workerData as { readonly file: string }
const deaths = `${file}.deaths`
parentPort?.on('message', (message: { readonly kind: string }) => {
  const left = fs.readFileSync(deaths, 'utf8')
  if (message.kind !== 'batch' || left === '') return
  fs.writeFileSync(deaths, left.slice(1))
  if (left.startsWith('x')) process.exit(1)
})
await import('../../src/storage/writer.ts')
