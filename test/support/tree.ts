import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** The folder of the project. */
export const root = join(import.meta.dirname, '..', '..')

export const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Files below a folder of the project, as paths from its root with `/`; empty where there is no such folder. */
export function filesBelow(folder: string, ending = '.ts'): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .toSorted()
  } catch {
    return []
  }
}

/** What is, or is about to be, in the repository. Null outside of one (a tarball, say), where nothing can be said. */
export function trackedFiles(): string[] | null {
  try {
    const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return listed.split('\0').filter((file) => file !== '')
  } catch {
    return null
  }
}
