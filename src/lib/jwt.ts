/** Longer ones are no token of anybody's. Unit: characters. */
const tokenLengthMax = 64 * 1024

/** What a token says of itself. It is read, not verified: whoever issued it judges it. Null: it is no JSON Web Token. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> | null {
  const [, payload, signature, ...rest] = token.length > tokenLengthMax ? [] : token.split('.')
  if (payload === undefined || signature === undefined || rest.length > 0) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Readonly<Record<string, unknown>>) : null
  } catch {
    return null
  }
}

/** When a token says that it ends, in epoch milliseconds; null: it does not say. */
export function expiryOf(token: string): number | null {
  const end = claimsOf(token)?.['exp']
  return typeof end === 'number' && Number.isFinite(end) && end > 0 && end < 1e11 ? Math.floor(end * 1000) : null
}
