import type { ServerResponse } from 'node:http'
import type { Route } from '../ports/routes.ts'

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

export interface HealthDoor {
  readiness(): Readiness
  /** The metrics in the text format of Prometheus. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** Is the process alive, can it serve, what has it counted. */
export function healthRoutes(door: HealthDoor): readonly Route[] {
  return [
    { method: 'GET', path: '/healthz', guard: 'open', handle: async ({ response }) => answerJson(response, 200, { status: 'ok' }) },
    {
      method: 'GET',
      path: '/readyz',
      guard: 'open',
      handle: async ({ response }) => {
        const readiness = door.readiness()
        if (readiness.ready) answerJson(response, 200, { status: 'ready' })
        else answerJson(response, 503, { status: 'not ready', reason: readiness.reason })
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      guard: 'metrics',
      handle: async ({ response }) => {
        const { contentType, text } = await door.metrics()
        answer(response, 200, contentType, text)
      },
    },
  ]
}

function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answer(response, status, 'application/json', `${JSON.stringify(value)}\n`)
}

function answer(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' })
  response.end(text)
}
