import type { Answer } from './answer.ts'
import type { HeaderValues } from './frame.ts'

/** Headers of every answer of OpenAI's. */
export const openaiHeaders = (requestId: string): HeaderValues => ({ 'x-request-id': requestId, 'openai-version': '2020-10-01', 'openai-processing-ms': '7' })

/** The model that answers. */
export const modelTold = ({ model }: Answer): HeaderValues => ({ 'openai-model': model })

/** What OpenAI's services tell of their limits, and cookies of the edge before them. */
export const openaiLimits: HeaderValues = {
  'x-ratelimit-limit-requests': '10000',
  'x-ratelimit-remaining-requests': '9999',
  'x-ratelimit-reset-requests': '1m30s',
  'set-cookie': ['__edge=simulated; path=/; HttpOnly', 'session=simulated'],
}
