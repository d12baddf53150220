import { isObject, type Json } from '../../json.ts'
import { isOfferedByCodex } from '../codex-tools.ts'
import { renamed, typeOf, type Unsaid } from '../unsaid.ts'

/** Tools, and the choice among them, for Messages (protocols.md 5.8). */

export interface MessagesTools {
  readonly tools: readonly Json[]
  /** Names of those whose input is text in the hub. */
  readonly customTools: ReadonlySet<string>
}

/** @param isCodex whether the question is Codex's. */
export function toolsFromHub(tools: unknown, isCodex: boolean, unsaid: Unsaid): MessagesTools {
  const customTools = new Set<string>()
  if (!Array.isArray(tools)) {
    if ((tools ?? null) !== null) unsaid.malformed('tools', 'a list')
    return { tools: [], customTools }
  }
  const said = tools.flatMap((tool: unknown, index): readonly Json[] => {
    const path = `tools[${index}]`
    if (!isObject(tool)) {
      unsaid.malformed(path, 'an object')
      return []
    }
    if (tool['async'] === true) unsaid.note(`${path}.async`, 'a tool whose result may come later')
    switch (tool['type']) {
      case 'function':
        return [functionTool(tool)]
      case 'custom':
        if (typeof tool['name'] === 'string') customTools.add(tool['name'])
        return [customTool(tool)]
      default:
        if (!isCodex || !isOfferedByCodex(tool)) unsaid.note(`${path}.type`, `a tool ${typeOf(tool)}, which the service itself would run`)
        return []
    }
  })
  return { tools: said, customTools }
}

function functionTool({ name, description, parameters, strict }: Json): Json {
  // An input is an object there, and its schema has to say so.
  const schema = isObject(parameters) ? { ...(parameters['type'] === undefined ? { type: 'object' } : {}), ...parameters } : { type: 'object', properties: {} }
  return { name, ...renamed(description, 'description'), input_schema: schema, ...(strict === true ? { strict } : {}) }
}

const rawText = 'Put the raw text of the call into `input`, as it is: no JSON inside, and no quotes or fences around it.'

/** A tool whose input is text, as one with a single member: what the grammar demanded becomes an instruction. */
function customTool({ name, description, format }: Json): Json {
  const grammar = isObject(format) && typeof format['definition'] === 'string' ? grammarOf(format, format['definition']) : []
  const said = typeof description === 'string' ? [description] : []
  return {
    name,
    description: [...said, rawText, ...grammar].join('\n\n'),
    input_schema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'], additionalProperties: false },
  }
}

function grammarOf({ syntax }: Json, definition: string): readonly string[] {
  return [`The text must follow this grammar${typeof syntax === 'string' ? ` (${syntax})` : ''}:\n${definition}`]
}

export interface Chosen {
  readonly choice: Json | null
  /** Names of the tools that may be called; null: all of them. */
  readonly allowed: ReadonlySet<unknown> | null
}

/** What `tool_choice` and `parallel_tool_calls` come to. */
export function choiceFromHub(choice: unknown, parallel: unknown, unsaid: Unsaid): Chosen {
  const one = parallel === false ? { disable_parallel_tool_use: true } : {}
  if (isObject(choice)) {
    switch (choice['type']) {
      case 'function':
      case 'custom':
        return { choice: { type: 'tool', name: choice['name'], ...one }, allowed: null }
      case 'allowed_tools': {
        const tools: readonly unknown[] = Array.isArray(choice['tools']) ? choice['tools'] : []
        const allowed = new Set(tools.map((tool) => (isObject(tool) ? tool['name'] : null)))
        return { choice: { type: choice['mode'] === 'required' ? 'any' : 'auto', ...one }, allowed }
      }
      default:
        unsaid.note('tool_choice', `a choice ${typeOf(choice)}`)
        return { choice: null, allowed: null }
    }
  }
  switch (choice ?? 'auto') {
    case 'auto':
      // Said only where it says more than its absence.
      return { choice: parallel === false || choice === 'auto' ? { type: 'auto', ...one } : null, allowed: null }
    case 'required':
      return { choice: { type: 'any', ...one }, allowed: null }
    case 'none':
      return { choice: { type: 'none' }, allowed: null }
    default:
      unsaid.malformed('tool_choice', '"none", "auto", "required" or an object')
      return { choice: null, allowed: null }
  }
}
