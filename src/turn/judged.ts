import type { Signal } from '../core/failure.ts'
import type { AnswerEnd, SeenAnswer } from '../dialect/dialect.ts'
import type { HeaderList } from '../ports/sink.ts'
import type { EventFlow } from './flow.ts'
import type { RawAnswer } from './raw-answer.ts'
import type { AnswerStream } from './stream.ts'

/** What came of an attempt, up to its commit point. */
export type Judged =
  /** The commit point is reached: everything from here on goes to the client, and nothing is tried again. */
  | { readonly kind: 'streaming'; readonly stream: AnswerStream; readonly flow: EventFlow; readonly headers: HeaderList }
  | { readonly kind: 'whole'; readonly status: number; readonly answer: SeenAnswer; readonly headers: HeaderList }
  | { readonly kind: 'failed'; readonly signal: Signal; readonly raw: RawAnswer | null; readonly end: AnswerEnd | null }
