import { readFileSync, writeFileSync } from 'node:fs'

/** What became of the first configuration file. */
export type Written = { readonly kind: 'written' } | { readonly kind: 'exists' } | { readonly kind: 'unwritable'; readonly why: string }

/** Two levels above this file, from source and from the packed build alike. */
const templateFile = new URL('../../turnout.example.yaml', import.meta.url)

/** Writes the template, with the trial's pool, where no file is. Never overwrites. Mode 0600, since keys will be written into it. */
export function writeTemplate(file: string): Written {
  try {
    writeFileSync(file, readFileSync(templateFile), { flag: 'wx', mode: 0o600 })
    return { kind: 'written' }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'EEXIST') return { kind: 'exists' }
    if (code === 'ENOENT') return { kind: 'unwritable', why: `${file} cannot be written: its folder does not exist` }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      return { kind: 'unwritable', why: `${file} cannot be written: its folder is not writable for this user` }
    return { kind: 'unwritable', why: `${file} cannot be written (${code})` }
  }
}
