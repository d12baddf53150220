import * as z from 'zod'
import { schema } from './schema.ts'

/** The parts of a JSON Schema that our own schema yields. */
interface Node {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly 'x-unit'?: string
  readonly 'x-default'?: string
}

/** One setting as the documentation shows it. */
export interface Setting {
  /** As in `accounts[].priority`. */
  readonly path: string
  readonly unit: string
  /** As it would be written; `required` where there is none. */
  readonly preset: string
  readonly reason: string
}

let converted: Node | null = null

/** The JSON Schema of `turnout.yaml`, before expansion and with its defaults. */
export function jsonSchema(): object {
  return { title: 'turnout.yaml', ...root() }
}

/** Every setting, in the order of the schema. */
export function settings(): readonly Setting[] {
  return settingsOf(root(), '')
}

/** The names of the fields that an object of the configuration may have; empty where it is none. */
export function fieldsAt(path: readonly (string | number)[]): readonly string[] {
  const node = path.reduce<Node | undefined>((at, part) => (typeof part === 'number' ? at?.items : at?.properties?.[part]), root())
  return Object.keys(node?.properties ?? {})
}

function root(): Node {
  converted ??= z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Node
  return converted
}

function settingsOf(node: Node, path: string): readonly Setting[] {
  const required = new Set(node.required)
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const at = path === '' ? name : `${path}.${name}`
    if (child.properties !== undefined) return settingsOf(child, at)
    if (child.items?.properties !== undefined) return settingsOf(child.items, `${at}[]`)
    return [{ path: at, unit: child['x-unit'] ?? '', preset: presetText(child, required.has(name)), reason: child.description ?? '' }]
  })
}

function presetText(node: Node, isRequired: boolean): string {
  if (node['x-default'] !== undefined) return node['x-default']
  if (isRequired) return 'required'
  return typeof node.default === 'string' && node.default !== '' ? node.default : JSON.stringify(node.default)
}
