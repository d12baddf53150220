import type { Rule } from '../core/policy.ts'
import { pathText } from './problem.ts'
import { schema } from './schema.ts'

/** Rules that came by another way than the file, read by the file's own schema. `param`: the member at fault, as in `rules[0].tier`. */
export function parseRules(
  json: unknown,
): { readonly kind: 'rules'; readonly rules: readonly Rule[] } | { readonly kind: 'wrong'; readonly message: string; readonly param: string | null } {
  const parsed = schema.shape.rules.safeParse(json)
  if (parsed.success) {
    if (parsed.data !== undefined) return { kind: 'rules', rules: parsed.data }
    return { kind: 'wrong', message: 'rules: expected a list of rules', param: 'rules' }
  }
  const [issue] = parsed.error.issues
  const param = pathText(['rules', ...(issue?.path ?? []).map((part) => (typeof part === 'number' ? part : String(part)))])
  return { kind: 'wrong', message: `${param}: ${issue?.message ?? 'expected a list of rules'}`, param }
}
