import type { Log } from '../ports/log.ts'
import type { Route, Visit } from '../ports/routes.ts'
import { accountHandles, type AccountsDoor } from './accounts.ts'
import { problems, type Answer, type Asked, type Handles } from './answer.ts'
import { auditHandles, changer, type AuditDoor, type AuditTrail } from './audit.ts'
import { keyHandles, type KeysDoor } from './keys.ts'
import { contract, type Contract, type EndpointName } from './contract.ts'
import { credentialHandles, type CredentialsDoor } from './credentials.ts'
import { openApi } from './openapi.ts'
import { understand } from './question.ts'
import { ruleHandles, type RulesDoor } from './rules-handles.ts'
import { statusHandles, type StatusDoor } from './status.ts'
import { turnHandles, type TurnsDoor } from './turns.ts'
import { usageHandles, type UsageDoor } from './usage.ts'

/** What the admin API needs of the gateway. */
export interface AdminDoor extends StatusDoor, AccountsDoor, TurnsDoor, UsageDoor, RulesDoor, KeysDoor, AuditDoor, CredentialsDoor {
  readonly log: Log
  readonly trail: AuditTrail
}

/** The admin API: one row for each endpoint of the contract, and the document that describes them. */
export function adminRoutes(door: AdminDoor): readonly Route[] {
  const handles: Handles<EndpointName> = {
    ...statusHandles(door),
    ...accountHandles(door),
    ...turnHandles(door),
    ...usageHandles(door),
    ...ruleHandles(door),
    ...keyHandles(door),
    ...auditHandles(door),
    ...credentialHandles(door),
  }
  const names = Object.keys(contract) as EndpointName[]
  return [
    ...names.map((name): Route => {
      // The contract ties each handle to the shapes that its question is read with; over all of them together the compiler cannot see it.
      const handle = handles[name] as (asked: Asked<unknown, unknown>) => Promise<Answer<unknown>>
      const endpoint: Contract = contract[name]
      return { method: endpoint.method, path: endpoint.path, guard: 'admin', handle: (visit) => serve({ door, name, endpoint, handle }, visit) }
    }),
    { method: 'GET', path: '/openapi.json', guard: 'open', handle: async ({ response }) => write(response, 200, openApi()) },
  ]
}

interface Served {
  readonly door: AdminDoor
  readonly name: EndpointName
  readonly endpoint: Contract
  readonly handle: (asked: Asked<unknown, unknown>) => Promise<Answer<unknown>>
}

async function serve({ door, name, endpoint, handle }: Served, visit: Visit): Promise<void> {
  const asked = await understand(endpoint, visit)
  if (asked.kind === 'gone') return
  const said = asked.kind === 'problem' ? asked : await handle(asked)
  if (said.kind === 'problem') {
    const { code, message, param } = said
    write(visit.response, problems[code], { error: { code, message, param } })
    return
  }
  if (said.change !== null) {
    door.log.info({ change: name, ...visit.params, request: visit.requestId }, 'the operator changed something')
    // Before the answer: whoever saw that something was changed finds it in the audit log.
    await door.trail.record({ ...changer(visit), what: name, ...said.change })
  }
  if (said.etag !== null) visit.response.setHeader('etag', said.etag)
  if (endpoint.answer === null) visit.response.writeHead(204, { 'cache-control': 'no-store' }).end()
  else write(visit.response, endpoint.makes === undefined ? 200 : 201, said.body)
}

function write(response: Visit['response'], status: number, value: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, 'cache-control': 'no-store' })
  response.end(bytes)
}
