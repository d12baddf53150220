import { isObject, type Json } from '../../json.ts'

/** Counts that are missing inside of a usage are none; a usage without its two totals is unknown. */
export function usageToHub(usage: unknown): Json | null {
  if (!isObject(usage)) return null
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage
  if (typeof input !== 'number' || typeof output !== 'number') return null
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: detail(usage['prompt_tokens_details'], 'cached_tokens'),
      cache_write_tokens: detail(usage['prompt_tokens_details'], 'cache_write_tokens'),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: detail(usage['completion_tokens_details'], 'reasoning_tokens') },
    total_tokens: typeof total === 'number' ? total : input + output,
  }
}

export function usageFromHub(usage: unknown): Json | null {
  if (!isObject(usage)) return null
  const { input_tokens: input, output_tokens: output, total_tokens: total } = usage
  if (typeof input !== 'number' || typeof output !== 'number') return null
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: typeof total === 'number' ? total : input + output,
    prompt_tokens_details: {
      cached_tokens: detail(usage['input_tokens_details'], 'cached_tokens'),
      cache_write_tokens: detail(usage['input_tokens_details'], 'cache_write_tokens'),
      audio_tokens: 0,
    },
    completion_tokens_details: {
      reasoning_tokens: detail(usage['output_tokens_details'], 'reasoning_tokens'),
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function detail(details: unknown, name: string): number {
  const count = isObject(details) ? details[name] : null
  return typeof count === 'number' ? count : 0
}
