import { isObject, type Json } from '../../json.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'

/** Blocks of content as the hub's parts (protocols.md 5.6). */

/** @returns none for what cannot be said, which is noted. */
export function partsOf(block: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (!isObject(block)) {
    unsaid.malformed(path, 'an object')
    return []
  }
  switch (block['type']) {
    case 'text':
      return textParts(block['text'], `${path}.text`, unsaid)
    case 'image':
      return imageParts(block, path, unsaid)
    case 'document':
      return documentParts(block, path, unsaid)
    default:
      unsaid.note(path, `a block ${typeOf(block)}`)
      return []
  }
}

function inputText(text: string): Json {
  return { type: 'input_text', text }
}

function textParts(text: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (typeof text === 'string') return [inputText(text)]
  unsaid.malformed(path, 'text')
  return []
}

function imageParts({ source }: Json, path: string, unsaid: Unsaid): readonly Json[] {
  const url = isObject(source) ? urlOf(source) : null
  if (url !== null) return [{ type: 'input_image', image_url: url, detail: 'auto' }]
  unsaid.note(path, `an image whose source is ${typeOf(isObject(source) ? source : {})}`)
  return []
}

/** Null: what it names lies at one service, or is nowhere. */
function urlOf({ type, url, media_type: mediaType, data }: Json): string | null {
  if (type === 'url') return typeof url === 'string' ? url : null
  return type === 'base64' && typeof mediaType === 'string' && typeof data === 'string' ? `data:${mediaType};base64,${data}` : null
}

/** What a file is called of which the client says no name: the hub wants one. */
const unnamed = 'document.pdf'

function documentParts(block: Json, path: string, unsaid: Unsaid): readonly Json[] {
  const { title, context, citations } = block
  const source = isObject(block['source']) ? block['source'] : {}
  if (isObject(citations) && citations['enabled'] === true) unsaid.note(`${path}.citations`, 'citations of a document')
  const name = typeof title === 'string' && title !== '' ? title : null
  const about = typeof context === 'string' && context !== '' ? [inputText(context)] : []
  const heading = name === null ? about : [inputText(name), ...about]
  const url = urlOf(source)
  switch (source['type']) {
    case 'base64':
      if (url !== null) return [...about, { type: 'input_file', filename: name ?? unnamed, file_data: url }]
      break
    case 'url':
      if (url !== null) return [...heading, { type: 'input_file', file_url: url }]
      break
    case 'text':
      return [...heading, ...textParts(source['data'], `${path}.source.data`, unsaid)]
    case 'content':
      return [...heading, ...plainParts(source['content'], `${path}.source.content`, unsaid)]
    default:
  }
  unsaid.note(path, `a document whose source is ${typeOf(source)}`)
  return []
}

/** What a document is made of holds no further documents. */
function plainParts(content: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  const inner = Array.isArray(content) ? content.findIndex((block) => isObject(block) && block['type'] === 'document') : -1
  if (inner === -1) return contentParts(content, path, unsaid)
  unsaid.note(`${path}[${inner}]`, 'a document in a document')
  return []
}

/** Content that is a text, or a list of blocks. */
export function contentParts(content: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (typeof content === 'string') return content === '' ? [] : [inputText(content)]
  if (Array.isArray(content)) return content.flatMap((block: unknown, index) => partsOf(block, `${path}[${index}]`, unsaid))
  if ((content ?? null) !== null) unsaid.malformed(path, 'text or a list of blocks')
  return []
}
