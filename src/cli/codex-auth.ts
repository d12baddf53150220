import { chatgptAccountOf } from '../core/account.ts'

/** A sign-in of the Codex CLI, as the admin API takes it. */
export interface CodexSignIn {
  readonly kind: 'signed-in'
  readonly body: { readonly access_token: string; readonly refresh_token: string; readonly account_id: string | null }
}

export type CodexAuth = CodexSignIn | { readonly kind: 'wrong'; readonly why: string }

/** What the Codex CLI keeps in its `auth.json`. What is wrong with it is said without anything that stands in it. */
export function readCodexAuth(text: string): CodexAuth {
  const json = objectOf(parsed(text))
  if (json === null) return { kind: 'wrong', why: 'it is not a JSON object' }
  const tokens = objectOf(json['tokens'])
  const accessToken = textOf(tokens?.['access_token'])
  const refreshToken = textOf(tokens?.['refresh_token'])
  if (accessToken !== null && refreshToken !== null) {
    const accountId = textOf(tokens?.['account_id']) ?? chatgptAccountOf(textOf(tokens?.['id_token']) ?? '') ?? chatgptAccountOf(accessToken)
    return { kind: 'signed-in', body: { access_token: accessToken, refresh_token: refreshToken, account_id: accountId } }
  }
  if (textOf(json['OPENAI_API_KEY']) !== null) {
    return { kind: 'wrong', why: 'it holds an API key and no sign-in: write the key as credential.api_key of an account with upstream: openai' }
  }
  return { kind: 'wrong', why: 'it holds no access token and refresh token: sign in with `codex login` first' }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
