import { isObject, type Json } from '../../json.ts'
import { isOfferedByCodex } from '../codex-tools.ts'
import { listed, renamed, told, typeOf, type Unsaid } from '../unsaid.ts'

/** Tools, and the choice among them (protocols.md 4.3, 4.4). */

const outerMembers = {
  function: new Set(['type', 'function', 'cache_control']),
  custom: new Set(['type', 'custom', 'cache_control']),
} as const
const functionMembers = new Set(['name', 'description', 'parameters', 'strict'])
const customMembers = new Set(['name', 'description', 'format'])

/** What Chat means by no parameters at all. */
const noParameters: Json = { type: 'object', properties: {} }

/** @param functions the older way to name functions. */
export function toolsToHub(tools: unknown, functions: unknown, unsaid: Unsaid): readonly Json[] {
  const newer = unsaid.list(tools, 'tools').flatMap((tool: unknown, index) => listed(toolToHub(tool, `tools[${index}]`, unsaid)))
  const older = unsaid.list(functions, 'functions').flatMap((each, index) => {
    const path = `functions[${index}]`
    if (isObject(each)) return [functionToHub(each, path, unsaid)]
    unsaid.malformed(path, 'an object')
    return []
  })
  return [...newer, ...older]
}

function toolToHub(tool: unknown, path: string, unsaid: Unsaid): Json | null {
  if (isObject(tool) && (tool['type'] === 'function' || tool['type'] === 'custom')) {
    const { type } = tool
    unsaid.others(tool, outerMembers[type], path)
    const inner = tool[type]
    if (isObject(inner)) return type === 'function' ? functionToHub(inner, `${path}.function`, unsaid) : customToHub(inner, `${path}.custom`, unsaid)
    unsaid.malformed(`${path}.${type}`, 'an object')
    return null
  }
  if (isObject(tool)) unsaid.note(path, `a tool ${typeOf(tool)}`)
  else unsaid.malformed(path, 'an object')
  return null
}

/** `strict` is always said: where it is left out, the hub tries to be, and Chat does not. */
function functionToHub(tool: Json, path: string, unsaid: Unsaid): Json {
  unsaid.others(tool, functionMembers, path)
  const { name, parameters, strict } = tool
  return { type: 'function', name, ...told(tool, ['description']), parameters: parameters ?? noParameters, strict: strict ?? false }
}

function customToHub(tool: Json, path: string, unsaid: Unsaid): Json {
  unsaid.others(tool, customMembers, path)
  const { format } = tool
  const grammar = isObject(format) && format['type'] === 'grammar' ? format['grammar'] : null
  const flat = isObject(grammar) ? { ...grammar, type: 'grammar' } : format
  return { type: 'custom', name: tool['name'], ...told(tool, ['description']), ...renamed(flat, 'format') }
}

const hubFunctionMembers = new Set(['type', ...functionMembers])
const hubCustomMembers = new Set(['type', ...customMembers])

/** @param isCodex whether the question is Codex's. */
export function toolsFromHub(tools: unknown, isCodex: boolean, unsaid: Unsaid): readonly Json[] {
  return unsaid.list(tools, 'tools').flatMap((tool: unknown, index) => {
    if (isCodex && isObject(tool) && isOfferedByCodex(tool)) return []
    return listed(toolFromHub(tool, `tools[${index}]`, unsaid))
  })
}

function toolFromHub(tool: unknown, path: string, unsaid: Unsaid): Json | null {
  if (!isObject(tool)) {
    unsaid.malformed(path, 'an object')
    return null
  }
  switch (tool['type']) {
    case 'function':
      unsaid.others(tool, hubFunctionMembers, path)
      return { type: 'function', function: { name: tool['name'], ...told(tool, ['description', 'parameters', 'strict']) } }
    case 'custom': {
      unsaid.others(tool, hubCustomMembers, path)
      return { type: 'custom', custom: { name: tool['name'], ...told(tool, ['description']), ...renamed(formatFromHub(tool['format']), 'format') } }
    }
    default:
      unsaid.note(path, `a tool ${typeOf(tool)}, which the service itself would run`)
      return null
  }
}

function formatFromHub(format: unknown): unknown {
  if (!isObject(format) || format['type'] !== 'grammar') return format
  const { type, ...grammar } = format
  return { type, grammar }
}

/** The choice as the hub says it; nothing where there is none. @param older `function_call`, which names a function without its type. */
export function choiceToHub(choice: unknown, older: unknown, unsaid: Unsaid): unknown {
  if ((choice ?? null) === null) return isObject(older) ? { type: 'function', ...told(older, ['name']) } : older
  if (!isObject(choice)) return choice
  const { type } = choice
  if (type === 'function' || type === 'custom') return namedTool(choice, 'tool_choice', unsaid)
  const allowed = type === 'allowed_tools' ? choice['allowed_tools'] : null
  if (isObject(allowed)) {
    const tools = unsaid.list(allowed['tools'], 'tool_choice.allowed_tools.tools')
    const flat = tools.map((tool, index) => namedTool(tool, `tool_choice.allowed_tools.tools[${index}]`, unsaid))
    return { type, mode: allowed['mode'], tools: flat }
  }
  unsaid.note('tool_choice', `a choice ${typeOf(choice)}`)
  return null
}

function namedTool(tool: unknown, path: string, unsaid: Unsaid): Json | null {
  const type = isObject(tool) && (tool['type'] === 'function' || tool['type'] === 'custom') ? tool['type'] : null
  const inner = isObject(tool) && type !== null ? tool[type] : null
  if (isObject(inner)) return { type, name: inner['name'] }
  unsaid.note(path, isObject(tool) ? `a choice ${typeOf(tool)}` : null)
  return null
}

export function choiceFromHub(choice: unknown, unsaid: Unsaid): unknown {
  if (!isObject(choice)) return choice
  const { type, mode, tools } = choice
  if (type !== 'allowed_tools') return nestedTool(choice, 'tool_choice', unsaid)
  const nested = unsaid.list(tools, 'tool_choice.tools').map((tool, index) => nestedTool(tool, `tool_choice.tools[${index}]`, unsaid))
  return { type, allowed_tools: { mode, tools: nested } }
}

function nestedTool(tool: unknown, path: string, unsaid: Unsaid): Json | null {
  if (isObject(tool) && (tool['type'] === 'function' || tool['type'] === 'custom')) return { type: tool['type'], [tool['type']]: { name: tool['name'] } }
  unsaid.note(path, isObject(tool) ? `a choice ${typeOf(tool)}` : null)
  return null
}
