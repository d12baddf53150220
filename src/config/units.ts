const msPer: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const bytesPer: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

export const durationPattern = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/
const sizePattern = /^(\d{1,12}(?:\.\d{1,3})?)(B|KiB|MiB|GiB)$/

/** `500ms`, `10s`, `1.5m`, `2h`, `7d` in milliseconds; null for anything else, and for what is no whole number of them. */
export function parseDuration(text: string): number | null {
  return parse(text, durationPattern, msPer)
}

/** `512KiB`, `64MiB`, `1GiB`, or a number of bytes; null for anything else. */
export function parseSize(size: string | number): number | null {
  if (typeof size === 'string') return parse(size, sizePattern, bytesPer)
  return Number.isSafeInteger(size) && size >= 0 ? size : null
}

/** The shortest way to write these milliseconds that `parseDuration` reads back. */
export function durationText(ms: number): string {
  return text(ms, msPer)
}

/** The shortest way to write these bytes that `parseSize` reads back. */
export function sizeText(bytes: number): string {
  return text(bytes, bytesPer)
}

function parse(text: string, pattern: RegExp, per: Readonly<Record<string, number>>): number | null {
  const [, number, unit] = pattern.exec(text) ?? []
  if (number === undefined || unit === undefined) return null
  const total = Number(number) * (per[unit] ?? Number.NaN)
  return Number.isSafeInteger(total) ? total : null
}

function text(total: number, per: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(per).filter(([, size]) => total % size === 0)
  const [unit, size] = (total === 0 ? undefined : fitting.at(-1)) ?? Object.entries(per)[0] ?? ['', 1]
  return `${total / size}${unit}`
}
