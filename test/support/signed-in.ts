import type { GrantSpec } from '../../src/simulator/token.ts'
import type { Stage } from './gateway.ts'
import type { Playing } from './scene.ts'

/** The setting of an account that has signed in at the simulator: its access tokens stand for the account's own key there. */
export function signedIn(on: Stage, account: string, spec: GrantSpec = {}, differing: Readonly<Record<string, unknown>> = {}): Playing {
  const { accessToken, refreshToken } = on.simulator.tokens.grant(on.credential(account), spec, Date.now())
  const oauth = { access_token: accessToken, refresh_token: refreshToken, token_url: on.simulator.tokenUrl, client_id: 'client' }
  return { credential: { oauth: { ...oauth, ...differing } } }
}

/** What the operator is shown of an account. */
export async function shownOf(on: Stage, account: string, adminToken: string): Promise<Shown> {
  const { json } = await on.ask(null, { path: '/admin/api/accounts', key: adminToken })
  const found = ((json as { readonly accounts?: readonly Shown[] } | null)?.accounts ?? []).find(({ name }) => name === account)
  if (found === undefined) throw new Error(`no account ${account}`)
  return found
}

export interface Shown {
  readonly name: string
  readonly health: { readonly state: string; readonly until: string | null; readonly why: string | null }
  readonly windows: readonly { readonly minutes: number; readonly used_percent: number; readonly resets_at: string | null }[]
}
