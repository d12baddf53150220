import { isObject, type Json } from '../../json.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'

/** The hub's parts as blocks of content (protocols.md 5.8). */

/** Content that is a text, or a list of parts. Text that is nothing but space is refused there, and says nothing. */
export function blocksOf(content: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (typeof content === 'string') return textBlocks(content)
  if (Array.isArray(content)) return content.flatMap((part: unknown, index) => blocksOfPart(part, `${path}[${index}]`, unsaid))
  if ((content ?? null) !== null) unsaid.malformed(path, 'text or a list of parts')
  return []
}

export function textBlocks(text: string): readonly { readonly type: 'text'; readonly text: string }[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }]
}

function checkedText(text: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (typeof text === 'string') return textBlocks(text)
  unsaid.malformed(path, 'text')
  return []
}

function blocksOfPart(part: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (!isObject(part)) {
    unsaid.malformed(path, 'an object')
    return []
  }
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return checkedText(part['text'], `${path}.text`, unsaid)
    case 'refusal':
      return checkedText(part['refusal'], `${path}.refusal`, unsaid)
    case 'input_image':
      return imageBlocks(part['image_url'], path, unsaid)
    case 'input_file':
      return fileBlocks(part, path, unsaid)
    default:
      unsaid.note(path, `a part ${typeOf(part)}`)
      return []
  }
}

function imageBlocks(url: unknown, path: string, unsaid: Unsaid): readonly Json[] {
  if (typeof url !== 'string' || url === '') {
    unsaid.note(path, 'an image without a URL')
    return []
  }
  const inside = contentOfUrl(url)
  const source = inside === null ? { type: 'url', url } : { type: 'base64', media_type: inside.mediaType, data: inside.base64 }
  return [{ type: 'image', source }]
}

function fileBlocks({ file_data: data, file_url: url, filename }: Json, path: string, unsaid: Unsaid): readonly Json[] {
  const title = typeof filename === 'string' ? { title: filename } : {}
  if (typeof url === 'string' && url !== '') return [{ type: 'document', source: { type: 'url', url }, ...title }]
  const inside = typeof data === 'string' ? contentOfUrl(data) : null
  if (inside?.mediaType === 'application/pdf') {
    return [{ type: 'document', source: { type: 'base64', media_type: inside.mediaType, data: inside.base64 }, ...title }]
  }
  if (inside?.mediaType.startsWith('text/') === true) {
    const text = Buffer.from(inside.base64, 'base64').toString('utf8')
    return [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...title }]
  }
  unsaid.note(path, 'a file that is neither a PDF nor text')
  return []
}

const scheme = 'data:'
const base64Mark = ';base64'

/** What a `data:` URL holds; null where it is another, or holds it in another form. The URL may be long, so that it is not searched by a pattern. */
function contentOfUrl(url: string): { readonly mediaType: string; readonly base64: string } | null {
  const comma = url.indexOf(',')
  if (!url.startsWith(scheme) || comma === -1) return null
  const head = url.slice(scheme.length, comma)
  if (!head.endsWith(base64Mark)) return null
  const [mediaType = ''] = head.split(';')
  return { mediaType: mediaType.toLowerCase(), base64: url.slice(comma + 1) }
}
