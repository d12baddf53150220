import type { Endpoint } from '../../core/turn.ts'
import { noUsage, readChatUsage, readUsage, type Usage } from '../../core/usage.ts'
import type { Body } from '../../lib/body.ts'
import { isObject } from '../json.ts'

/** What the endpoints of this dialect differ in. */
interface EndpointManner {
  /** Where it lies at the upstream, below its base URL. */
  readonly path: string
  /** Whether a model writes text: only then there are tiers, tools, a prompt cache, and answers that are stored. */
  readonly isDialogue: boolean
  /** What becomes of `stream: true`. `idle`: it means nothing here, and is the upstream's to judge. */
  readonly stream: 'streams' | 'idle' | 'refused'
  /** The member without which there is nothing to do. */
  readonly needs: { readonly member: string; readonly expected: string }
  /** What a whole answer says that it used. Null: unknown. */
  usage(answer: Body): Usage | null
}

const completions: EndpointManner = {
  path: '/chat/completions',
  isDialogue: true,
  stream: 'streams',
  needs: { member: 'messages', expected: 'a list of messages' },
  usage: (answer) => readChatUsage(answer.value('usage')),
}

const others: Readonly<Partial<Record<Endpoint, EndpointManner>>> = {
  /** protocols.md 7.2. */
  embeddings: {
    path: '/embeddings',
    isDialogue: false,
    stream: 'idle',
    needs: { member: 'input', expected: 'what is to be embedded' },
    usage: embeddingsUsage,
  },
  /** Nothing is billed, whatever is said. */
  moderations: {
    path: '/moderations',
    isDialogue: false,
    stream: 'idle',
    needs: { member: 'input', expected: 'what is to be judged' },
    usage: () => noUsage,
  },
  /** protocols.md 7.3. */
  images: {
    path: '/images/generations',
    isDialogue: false,
    stream: 'refused',
    needs: { member: 'prompt', expected: 'what is to be drawn' },
    usage: imagesUsage,
  },
}

/** Questions that are translated into this dialect are dialogues, whichever endpoint was asked. */
export function mannerOf(endpoint: Endpoint): EndpointManner {
  return others[endpoint] ?? completions
}

/** There is an input only, and no word for an output. */
function embeddingsUsage(answer: Body): Usage | null {
  const said = answer.value('usage')
  return readChatUsage(isObject(said) ? { ...said, completion_tokens: 0 } : said)
}

/** In the words of Responses. What a second model has used that wrote an SVG is told apart, at other prices: nothing is billed by halves. */
function imagesUsage(answer: Body): Usage | null {
  return (answer.value('svg_usage') ?? null) === null ? readUsage(answer.value('usage')) : null
}
