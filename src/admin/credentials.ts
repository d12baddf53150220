import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { LiveAccounts } from '../pool/accounts.ts'
import { unknownAccount } from './accounts.ts'
import { changed, fromStore, problem, type Handles } from './answer.ts'
import type { LiveCredentials } from './live-credentials.ts'
import { shownAccount } from './shown.ts'

export interface CredentialsDoor {
  readonly clock: Clock
  readonly accounts: LiveAccounts
  readonly credentials: Pick<LiveCredentials, 'import' | 'rotate'>
}

export function credentialHandles({ clock, accounts, credentials }: CredentialsDoor): Handles<'importCredential' | 'rotateSecrets'> {
  return {
    importCredential: async ({ params, body }) => {
      const id = (params['name'] ?? '') as AccountId
      const signIn = { accessToken: body.access_token, refreshToken: body.refresh_token, accountId: body.account_id }
      const written = await fromStore(credentials.import(id, signIn))
      if (written.kind === 'problem') return written
      const live = accounts.find(id)
      if (written.value.kind === 'unknown' || live === null) return unknownAccount(accounts, id)
      if (written.value.kind === 'not-renewable')
        return problem('provisioned', `The credential of '${id}' stands in the configuration file and does not renew itself: change it there.`, 'name')
      if (written.value.kind === 'overtaken') return problem('store_unavailable', 'The credential is being changed by someone else at this moment. Try again.')
      return changed(shownAccount(live, clock.now()), { target: id, before: null, after: 'another sign-in' })
    },
    rotateSecrets: async () => {
      const rotated = await fromStore(credentials.rotate())
      if (rotated.kind === 'problem') return rotated
      if (rotated.value.kind === 'unusable') return problem('store_unavailable', rotated.value.why)
      const { resealed, left } = rotated.value
      return changed(
        { sealed: resealed.sealed, unreadable: [...resealed.unreadable], left },
        { target: null, before: null, after: { sealed: resealed.sealed } },
      )
    },
  }
}
