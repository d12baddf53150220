/** Long enough to lose digits in a double, or written otherwise than JavaScript would write it. */
const telling = /\d{16}|\d[.eE]|-0/

/** `JSON.rawJSON`, which the language's own declarations do not have yet (ECMA-262 proposal "JSON.parse source text access"). */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => object }

/**
 * Parses JSON so that numbers come out of `JSON.stringify` as they went in, where a double cannot hold them: those are then objects that nothing but
 * `JSON.stringify` can read. Throws a SyntaxError where the text is no JSON.
 */
export function parseExact(text: string): unknown {
  if (!telling.test(text)) return JSON.parse(text)
  const exact = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined && context.source !== String(value) && !isSame(value, context.source)
      ? rawJSON(context.source)
      : value
  return JSON.parse(text, exact)
}

/** Only what a double cannot hold needs to be kept as text: `1.10` is `1.1`. Fifteen digits it holds, between these bounds. */
function isSame(value: number, source: string): boolean {
  const digits = source
    .replace(/[eE].*/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
  return digits === '' || (digits.length <= 15 && Math.abs(value) > 1e-300 && Math.abs(value) < 1e300)
}
