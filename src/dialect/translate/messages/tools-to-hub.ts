import { isObject, type Json } from '../../json.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'
import type { ToolNames } from './tool-names.ts'

/** Tools, and the choice among them, for the hub (protocols.md 5.6). Hints to caches and loaders stay behind. */

/** Anthropic's own tools have a type with the date of their version. */
const webSearch = /^web_search_\d+$/

export interface HubTools {
  readonly tools: readonly Json[]
  /** Of the tools that the service itself runs: how often at most. */
  readonly maxToolCalls: unknown
  /** What the client calls the search of the web; null: it has none. */
  readonly searchName: unknown
}

export function toolsToHub(tools: unknown, names: ToolNames, unsaid: Unsaid): HubTools {
  if (!Array.isArray(tools)) {
    if ((tools ?? null) !== null) unsaid.malformed('tools', 'a list')
    return { tools: [], maxToolCalls: null, searchName: null }
  }
  const search: unknown = tools.find((tool) => isObject(tool) && isWebSearch(tool))
  return {
    tools: tools.map((tool: unknown, index) => toolToHub(tool, `tools[${index}]`, names, unsaid)),
    maxToolCalls: isObject(search) ? (search['max_uses'] ?? null) : null,
    searchName: isObject(search) ? search['name'] : null,
  }
}

function isWebSearch({ type }: Json): boolean {
  return typeof type === 'string' && webSearch.test(type)
}

function toolToHub(tool: unknown, path: string, names: ToolNames, unsaid: Unsaid): Json {
  if (!isObject(tool)) {
    unsaid.malformed(path, 'an object')
    return {}
  }
  if (isWebSearch(tool)) return searchToHub(tool, path, unsaid)
  if ((tool['type'] ?? 'custom') !== 'custom') {
    unsaid.note(`${path}.type`, `a tool ${typeOf(tool)}, which the service itself would run`)
    return {}
  }
  const { name, description, input_schema: parameters, strict } = tool
  // Where `strict` is left out the hub tries to be; Messages does not.
  return { type: 'function', name: names.short(name), ...(description === undefined ? {} : { description }), parameters, strict: strict ?? false }
}

function searchToHub({ allowed_domains: allowed, blocked_domains: blocked, user_location: location }: Json, path: string, unsaid: Unsaid): Json {
  if (Array.isArray(blocked) && blocked.length > 0) unsaid.note(`${path}.blocked_domains`)
  const domains: readonly unknown[] = Array.isArray(allowed) ? allowed : []
  if (!domains.every((domain) => typeof domain === 'string')) unsaid.malformed(`${path}.allowed_domains`, 'a list of names')
  return {
    type: 'web_search',
    ...(domains.length > 0 ? { filters: { allowed_domains: domains } } : {}),
    ...((location ?? null) === null ? {} : { user_location: location }),
  }
}

/** `tool_choice` and `parallel_tool_calls`; neither where nothing is said of them. */
export function choiceToHub(choice: unknown, searchName: unknown, names: ToolNames, unsaid: Unsaid): Json {
  if ((choice ?? null) === null) return {}
  if (!isObject(choice)) {
    unsaid.malformed('tool_choice', 'an object')
    return {}
  }
  const parallel = choice['disable_parallel_tool_use'] === true ? { parallel_tool_calls: false } : {}
  switch (choice['type']) {
    case 'auto':
    case 'none':
      return { tool_choice: choice['type'], ...parallel }
    case 'any':
      return { tool_choice: 'required', ...parallel }
    case 'tool': {
      const { name } = choice
      const chosen = searchName !== null && name === searchName ? { type: 'web_search' } : { type: 'function', name: names.short(name) }
      return { tool_choice: chosen, ...parallel }
    }
    default:
      unsaid.note('tool_choice.type', `a choice ${typeOf(choice)}`)
      return {}
  }
}
