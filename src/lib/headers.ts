/** Headers as `node:http` gives them: names in lower case, repeated ones joined (`set-cookie` is a list). */
export type Headers = { readonly [name: string]: string | readonly string[] | undefined }

/** One header's value as text, or null where it is absent. */
export function header(headers: Headers, name: string): string | null {
  const value = headers[name]
  if (value === undefined) return null
  return typeof value === 'string' ? value : value.join(', ')
}

export function isEmpty(headers: Headers): boolean {
  for (const _ in headers) return false
  return true
}
