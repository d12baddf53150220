/** Shorter ones ("none", "x") stand for no secret at all, and would blot out common words. Unit: characters. */
const secretLengthMin = 8
const mark = '****'

/** The bytes with a mark in the place of these secrets; the very same buffer where none is in them. @param secrets in ASCII. */
export function hidden(bytes: Buffer, secrets: readonly string[]): Buffer {
  const found = secrets.filter((secret) => secret.length >= secretLengthMin && bytes.includes(secret, 0, 'latin1'))
  return found.length === 0 ? bytes : Buffer.from(without(bytes.toString('latin1'), found), 'latin1')
}

/** The same of a text. */
export function hiddenText(text: string, secrets: readonly string[]): string {
  const found = secrets.filter((secret) => secret.length >= secretLengthMin && text.includes(secret))
  return found.length === 0 ? text : without(text, found)
}

function without(text: string, secrets: readonly string[]): string {
  return secrets.reduce((said, secret) => said.replaceAll(secret, mark), text)
}

/** What looks like a secret wherever it stands: credentials of requests, keys with a prefix, tokens of OAuth, logins of addresses. */
const looks: readonly (readonly [look: RegExp, shown: string])[] = [
  [/\b(bearer|basic)\s+[^\s"',;]+/gi, `$1 ${mark}`],
  [/\b(sk|tk|at|rt|admin|trial)-[\w-]{8,}/g, `$1-${mark}`],
  [/\beyJ[\w-]{8,}(\.[\w-]*){0,4}/g, mark],
  [/:\/\/[^\s/@"']+@/g, `://${mark}@`],
]

/** For texts that nobody wrote with care, such as the message of a bug. It may hide what is none. */
export function hiddenByLook(text: string): string {
  return looks.reduce((said, [look, shown]) => said.replaceAll(look, shown), text)
}

/** Secrets that are known by their text. Finding them costs by the length of what is looked through, and nothing by their number. */
export class KnownSecrets {
  readonly #byStart = new Map<string, string[]>()

  constructor(secrets: Iterable<string>) {
    for (const secret of new Set(secrets)) {
      if (secret.length < secretLengthMin) continue
      const start = secret.slice(0, secretLengthMin)
      this.#byStart.set(
        start,
        [...(this.#byStart.get(start) ?? []), secret].toSorted((a, b) => b.length - a.length),
      )
    }
  }

  hide(text: string): string {
    let said = ''
    let from = 0
    for (let at = 0; at + secretLengthMin <= text.length;) {
      const secret = this.#byStart.get(text.slice(at, at + secretLengthMin))?.find((one) => text.startsWith(one, at))
      if (secret === undefined) at++
      else {
        said += text.slice(from, at) + mark
        from = at += secret.length
      }
    }
    return from === 0 ? text : said + text.slice(from)
  }
}
