import { isObject, type Json } from '../../json.ts'
import { listed, renamed, told, typeOf, type Unsaid } from '../unsaid.ts'

/** Parts of a message (protocols.md 4.3). */

/** A hint of some clients that changes no answer. */
const hint = 'cache_control'
const shared = ['prompt_cache_breakpoint'] as const
const fileMembers = ['file_id', 'file_data', 'filename'] as const

const textMembers = new Set(['type', 'text', ...shared, hint])
const chatImageMembers = new Set(['type', 'image_url', ...shared, hint])
const imageUrlMembers = new Set(['url', 'detail'])
const chatFileMembers = new Set(['type', 'file', ...shared, hint])
const fileInside = new Set<string>(fileMembers)

/** Content as the hub's input has it: text stays text, parts stay parts. */
export function contentToHub(content: unknown, path: string, unsaid: Unsaid): string | readonly Json[] {
  if (typeof content === 'string') return content
  if (Array.isArray(content)) return content.flatMap((part: unknown, index) => listed(partToHub(part, `${path}[${index}]`, unsaid)))
  if ((content ?? null) !== null) unsaid.malformed(path, 'text or a list of parts')
  return ''
}

function partToHub(part: unknown, path: string, unsaid: Unsaid): Json | null {
  if (!isObject(part)) {
    unsaid.malformed(path, 'an object')
    return null
  }
  switch (part['type']) {
    case 'text':
      unsaid.others(part, textMembers, path)
      return { type: 'input_text', text: part['text'], ...told(part, shared) }
    case 'image_url':
      unsaid.others(part, chatImageMembers, path)
      return imageToHub(part, path, unsaid)
    case 'file': {
      unsaid.others(part, chatFileMembers, path)
      const { file } = part
      if (isObject(file)) {
        unsaid.others(file, fileInside, `${path}.file`)
        return { type: 'input_file', ...told(file, fileMembers), ...told(part, shared) }
      }
      unsaid.malformed(`${path}.file`, 'an object')
      return null
    }
    default:
      unsaid.note(path, `a part ${typeOf(part)}`)
      return null
  }
}

function imageToHub(part: Json, path: string, unsaid: Unsaid): Json | null {
  const { image_url: image } = part
  if (!isObject(image)) {
    unsaid.malformed(`${path}.image_url`, 'an object')
    return null
  }
  unsaid.others(image, imageUrlMembers, `${path}.image_url`)
  return { type: 'input_image', image_url: image['url'], detail: image['detail'] ?? 'auto', ...told(part, shared) }
}

/** Annotations and log probabilities of an earlier answer come back with it; nobody reads them again. */
const hubTextMembers = new Set(['type', 'text', 'annotations', 'logprobs', ...shared])
const hubImageMembers = new Set(['type', 'image_url', 'detail', ...shared])
const hubFileMembers = new Set(['type', 'detail', ...fileMembers, ...shared])

/** Content as Chat's parts. Text that is no list is one part. */
export function partsFromHub(content: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (Array.isArray(content)) return content.flatMap((part: unknown, index) => listed(partFromHub(part, `${path}[${index}]`, unsaid)))
  if ((content ?? null) !== null) unsaid.malformed(path, 'text or a list of parts')
  return []
}

function partFromHub(part: unknown, path: string, unsaid: Unsaid): Json | null {
  if (!isObject(part)) {
    unsaid.malformed(path, 'an object')
    return null
  }
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      unsaid.others(part, hubTextMembers, path)
      return { type: 'text', text: part['text'], ...told(part, shared) }
    case 'refusal':
      return { type: 'refusal', refusal: part['refusal'] }
    case 'input_image': {
      unsaid.others(part, hubImageMembers, path)
      const { detail } = part
      const known = detail === 'auto' ? {} : renamed(detail, 'detail')
      if (typeof part['image_url'] !== 'string') unsaid.note(path, 'an image without a URL')
      return { type: 'image_url', image_url: { url: part['image_url'], ...known }, ...told(part, shared) }
    }
    case 'input_file':
      unsaid.others(part, hubFileMembers, path)
      if ((part['detail'] ?? 'auto') !== 'auto') unsaid.note(`${path}.detail`)
      return { type: 'file', file: told(part, fileMembers), ...told(part, shared) }
    default:
      unsaid.note(path, `a part ${typeOf(part)}`)
      return null
  }
}

/** Parts as content: one plain text is said as text, which every upstream takes. */
export function contentOf(parts: readonly Json[]): unknown {
  const [first] = parts
  if (first === undefined) return ''
  const isPlain = parts.length === 1 && first['type'] === 'text' && Object.keys(first).length === 2
  return isPlain ? first['text'] : parts
}
