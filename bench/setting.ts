import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startNginx, startNode, type Program } from './programs.ts'

/* What all workloads share: the questions, the configuration, and the programs that stand in front of the fast upstream. */

export const clientKey = 'bench-client-key-0123456789'
export const adminToken = 'bench-admin-token-0123456789'

const padding = (bytes: number): string => 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(bytes / 45)).slice(0, bytes)

/** A question of so many bytes, as JSON. */
export function question(bytes: number, more: Readonly<Record<string, unknown>>): string {
  const tools = Array.from({ length: Math.min(12, Math.floor(bytes / 4000)) }, (_, i) => ({
    type: 'function',
    name: `tool_${i}`,
    description: padding(200),
    strict: false,
    parameters: { type: 'object', properties: { path: { type: 'string' }, limit: { type: 'integer' } }, required: ['path'] },
  }))
  const rest = { store: false, service_tier: 'priority', prompt_cache_key: 'thread-1', tools, tool_choice: 'auto', ...more }
  const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: '' }] }]
  const empty = JSON.stringify({ model: 'client-model', input, ...rest })
  input[0]?.content.splice(0, 1, { type: 'input_text', text: padding(Math.max(0, bytes - empty.length)) })
  return JSON.stringify({ model: 'client-model', input, ...rest })
}

/** How a client comes: with a request each time, or with a session. */
export type Coming = 'requests' | 'sessions'

export interface Place {
  readonly folder: string
  readonly upstream: Program
}

/** Starts the programs in front of one kind of answer, and stops them when `use` has ended. @param way how the upstream answers: the first part of its path. */
export async function withPrograms(place: Place, way: string, coming: Coming, use: (programs: readonly Program[]) => Promise<void>): Promise<void> {
  const running: Program[] = []
  try {
    for (const start of starters(place, way, coming)) running.push(await start())
    await use(running)
  } finally {
    for (const program of running) await program.stop()
  }
}

function starters({ folder, upstream }: Place, way: string, coming: Coming): readonly (() => Promise<Program>)[] {
  const file = join(folder, `${way}.yaml`)
  const host = `127.0.0.1:${upstream.port}`
  const bare =
    coming === 'requests'
      ? [here('bare-relay.ts'), `http://${host}/${way}/v1`, 'upstream-model']
      : [here('bare-ws-relay.ts'), `ws://${host}/${way}/v1/responses`]
  return [
    () => startNginx('nginx', join(folder, `nginx-${way}`), (port) => proxyServer(port, upstream.port, { way, coming })),
    () => startNode('bare relay', bare, /:(\d+)\n/),
    async () => {
      await writeFile(file, configuration(upstream, way))
      return startNode('Turnout', [here('../src/main.ts'), 'serve', '--config', file, '--data', join(folder, `data-${way}`)], /127\.0\.0\.1:(\d+)/)
    },
    () => startNode('Turnout without ledger', [here('without-ledger.ts'), file], /:(\d+)\n/),
  ]
}

export const here = (file: string): string => join(import.meta.dirname, file)

function configuration(upstream: Program, way: string): string {
  const account = (name: string, priority: number) => ({
    name,
    upstream: 'openai-compatible',
    base_url: `http://127.0.0.1:${upstream.port}/${way}/v1`,
    allow_private: true,
    credential: { api_key: `bench-upstream-${name}` },
    models: { 'client-model': 'upstream-model' },
    concurrency: 2000,
    websocket: 'on',
    priority,
  })
  return JSON.stringify({
    server: { host: '127.0.0.1', port: 0 },
    accounts: [account('a', 10), account('b', 20)],
    pools: [{ name: 'p', accounts: ['a', 'b'] }],
    keys: [{ name: 'bench', key: clientKey, pools: ['p'] }],
    admin: { token: adminToken },
    log: { level: 'info' },
  })
}

function proxyServer(port: number, upstreamPort: number, { way, coming }: { readonly way: string; readonly coming: Coming }): string {
  const connection =
    coming === 'requests'
      ? 'proxy_set_header connection "";'
      : 'proxy_set_header upgrade $http_upgrade; proxy_set_header connection upgrade; proxy_read_timeout 600s;'
  return `upstream up { server 127.0.0.1:${upstreamPort}; keepalive 2048; keepalive_requests 100000000; }
    server { listen 127.0.0.1:${port} backlog=4096; location / { proxy_pass http://up/${way}/; proxy_http_version 1.1; ${connection} proxy_buffering off; } }`
}
