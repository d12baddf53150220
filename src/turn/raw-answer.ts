import type { HeaderList } from '../ports/sink.ts'

/** An upstream's answer that goes to the client as it is when nothing else can be done: a whole one, or the events of a stream that failed before output. */
export type RawAnswer =
  | { readonly kind: 'whole'; readonly status: number; readonly headers: HeaderList; readonly body: Buffer }
  | { readonly kind: 'events'; readonly status: number; readonly headers: HeaderList; readonly events: readonly Buffer[] }
