import { parentPort } from 'node:worker_threads'

/** A reader that opens, and then neither answers nor ends. */
parentPort?.on('message', (message: { readonly kind: string }) => {
  if (message.kind === 'open') parentPort?.postMessage({ kind: 'ready' })
})
