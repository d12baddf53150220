import type { Endpoint } from './turn.ts'

/** How many tokens something may have been, where nobody told. */

/** A token of text is about four bytes long. */
const bytesPerToken = 4

/** No context is larger by much; a question that is carries pictures, whose bytes are not read as text. */
const inputTokensMax = 400_000

/**
 * What an event of a stream is long beside its text: names, ids, positions, padding. Unit: bytes. Source: deltas of the Responses API, which say one word in
 * about 260 bytes. Too small is the worse mistake: taken for text, a stream would be sixty times what it was.
 */
const envelopeBytes = 300

/** A picture of middling size and quality. Its bytes say nothing of it: taken for text, one would be half a million tokens. */
const pictureTokens = 1000

/** @param bytes of the question as it was sent. */
export function guessedInput(bytes: number): number {
  return Math.min(Math.ceil(bytes / bytesPerToken), inputTokensMax)
}

/** Of a stream: at least a token an event, and more where events are longer than what surrounds a token. */
export function guessedOutput({ bytes, events }: { readonly bytes: number; readonly events: number }): number {
  return Math.max(events, Math.ceil(Math.max(0, bytes - events * envelopeBytes) / bytesPerToken))
}

/** Of an answer that is no stream. Vectors and verdicts are not written by a model. @param bytes of the answer. */
export function guessedWhole(endpoint: Endpoint, bytes: number): number {
  if (endpoint === 'images') return pictureTokens
  return endpoint === 'embeddings' || endpoint === 'moderations' ? 0 : Math.ceil(bytes / bytesPerToken)
}
