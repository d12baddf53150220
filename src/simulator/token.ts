/** What a simulated token endpoint does with one request; `after` means that the refresh token has been exchanged by then. */
export type TokenDeed =
  | { readonly kind: 'serve' }
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: { readonly [name: string]: string }; readonly text?: string }
  | { readonly kind: 'cut' | 'cut-after' | 'hang' | 'hang-after' }

export interface GrantSpec {
  /** How long access tokens live, as `expires_in` says it and `exp` in them; null: neither says. */
  readonly expiresInS?: number | null
  /** For the next requests, one each; then all are served. */
  readonly deeds?: readonly TokenDeed[]
}

export type TokenAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: { readonly [name: string]: string }; readonly text: string }
  | { readonly kind: 'cut' }
  | { readonly kind: 'hang' }

/** One sign-in: the API key that its access tokens stand for, and the tokens that are good at the moment. */
interface Grant {
  readonly key: string
  readonly expiresInS: number | null
  deeds: TokenDeed[]
  nth: number
  access: string
  refresh: string
  asked: number
}

const grantsMax = 1_000

/** Sign-ins whose tokens rotate, as a token endpoint keeps them: each refresh token is good for one exchange. Knows no clock. */
export class TokenBook {
  readonly #grants = new Map<string, Grant>()
  /** Every token that was given out, and by whom. */
  readonly #given = new Map<string, Grant>()

  /** Signs in. The access tokens stand for this API key. */
  grant(key: string, spec: GrantSpec, nowMs: number): { readonly accessToken: string; readonly refreshToken: string } {
    const grant: Grant = { key, expiresInS: spec.expiresInS ?? null, deeds: [...(spec.deeds ?? [])], nth: 0, access: '', refresh: '', asked: 0 }
    if (this.#grants.size >= grantsMax) throw new RangeError('too many sign-ins')
    this.#grants.set(key, grant)
    this.#exchange(grant, nowMs)
    return { accessToken: grant.access, refreshToken: grant.refresh }
  }

  /** What the endpoint does with the next requests of this sign-in. */
  expect(key: string, deeds: readonly TokenDeed[]): void {
    const grant = this.#grants.get(key)
    if (grant !== undefined) grant.deeds = [...deeds]
  }

  /** The access token is refused from now on. */
  expire(key: string): void {
    const grant = this.#grants.get(key)
    if (grant !== undefined) grant.access = ''
  }

  /** How often a refresh was asked for. */
  asked(key: string): number {
    return this.#grants.get(key)?.asked ?? 0
  }

  /** The refresh token that is good at the moment. */
  refreshToken(key: string): string | null {
    return this.#grants.get(key)?.refresh ?? null
  }

  /** The API key that a bearer stands for: itself, where it was not given out here. Null: it is good no more. */
  keyOf(bearer: string): string | null {
    const grant = this.#given.get(bearer)
    if (grant === undefined) return bearer
    return grant.access === bearer ? grant.key : null
  }

  /** Answers a request to the endpoint. @param body a form, by RFC 6749 section 6. */
  answer(body: Buffer, nowMs: number): TokenAnswer {
    const form = new URLSearchParams(body.toString('utf8'))
    if (form.get('grant_type') !== 'refresh_token') return refusal(400, 'unsupported_grant_type')
    if ((form.get('client_id') ?? '') === '') return refusal(401, 'invalid_client')
    const token = form.get('refresh_token') ?? ''
    const grant = this.#given.get(token)
    if (grant === undefined) return refusal(400, 'invalid_grant')
    grant.asked++
    const deed = grant.deeds.shift() ?? { kind: 'serve' }
    switch (deed.kind) {
      case 'refuse':
        return refusal(deed.status, deed.code)
      case 'status':
        return { kind: 'answer', status: deed.status, headers: deed.headers ?? {}, text: deed.text ?? '{}' }
      case 'cut':
      case 'hang':
        return { kind: deed.kind }
      case 'serve':
      case 'cut-after':
      case 'hang-after':
        break
    }
    if (token !== grant.refresh) return refusal(401, 'refresh_token_reused')
    const text = this.#exchange(grant, nowMs)
    if (deed.kind !== 'serve') return { kind: deed.kind === 'cut-after' ? 'cut' : 'hang' }
    return { kind: 'answer', status: 200, headers: {}, text }
  }

  clear(): void {
    this.#grants.clear()
    this.#given.clear()
  }

  #exchange(grant: Grant, nowMs: number): string {
    grant.nth++
    const { expiresInS } = grant
    const claims = expiresInS === null ? {} : { exp: Math.floor(nowMs / 1000) + expiresInS }
    const payload = Buffer.from(JSON.stringify({ sub: grant.key, nth: grant.nth, ...claims })).toString('base64url')
    grant.access = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.simulated`
    grant.refresh = `simulated-refresh-${grant.key}-${grant.nth}`
    this.#given.set(grant.access, grant)
    this.#given.set(grant.refresh, grant)
    const lifetime = expiresInS === null ? {} : { expires_in: expiresInS }
    return JSON.stringify({ access_token: grant.access, refresh_token: grant.refresh, token_type: 'Bearer', ...lifetime })
  }
}

function refusal(status: number, code: string): TokenAnswer {
  return { kind: 'answer', status, headers: {}, text: JSON.stringify({ error: code, error_description: 'The simulated token endpoint says no.' }) }
}
