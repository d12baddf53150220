import { isScalar, visit, type Document, type Scalar } from 'yaml'

export type Environment = Readonly<Record<string, string | undefined>>

/** A variable that is wanted and not there, and the scalar that wants it. */
interface Missing {
  readonly scalar: Scalar
  readonly sentence: string
}

export interface Expansion {
  /** The scalars that held variables, and the variables' names. Their values may be secret. */
  readonly expanded: ReadonlyMap<unknown, readonly string[]>
  readonly missing: readonly Missing[]
}

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g

/**
 * Replaces `${NAME}` and `${NAME:-default}` in the text values of a parsed document; `$${` stands for `${`. Since the document is parsed
 * already, a value cannot add structure to it. As in a shell, `:-` also replaces a variable that is set and empty.
 */
export function expandDocument(document: Document, environment: Environment): Expansion {
  const expanded = new Map<unknown, readonly string[]>()
  const missing: Missing[] = []
  visit(document, {
    Scalar(place, scalar) {
      if (place === 'key' || !isScalar(scalar) || typeof scalar.value !== 'string' || !scalar.value.includes('${')) return
      const names: string[] = []
      scalar.value = scalar.value.replaceAll(reference, (whole, variable: string | undefined, preset: string | undefined) => {
        if (whole === '$${') return '${'
        if (variable === undefined) {
          missing.push({
            scalar,
            sentence: 'holds a "${" that is not followed by a name and "}": expected ${NAME} or ${NAME:-default}, or $${ for the two characters themselves',
          })
          return ''
        }
        names.push(variable)
        const value = environment[variable]
        if (value !== undefined && (value !== '' || preset === undefined)) return value
        if (preset === undefined)
          missing.push({
            scalar,
            sentence: `needs \${${variable}}, which is not set: expected it in the environment, or a default as in \${${variable}:-default}`,
          })
        return preset ?? ''
      })
      if (names.length > 0) expanded.set(scalar, names)
    },
  })
  return { expanded, missing }
}
