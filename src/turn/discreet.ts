import { secretsOf, type Credential } from '../core/account.ts'
import { withoutSecrets } from '../core/signal.ts'
import type { AnswerEnd } from '../dialect/dialect.ts'
import { hidden, hiddenText } from '../lib/hide.ts'
import type { Judged } from './judged.ts'
import type { RawAnswer } from './raw-answer.ts'
import type { Relayed } from './stream.ts'

/** Some upstreams repeat the credential in what they say against it: nobody who sees the answer, the record or the log is to have it. */
export function discreet(judged: Judged, credential: Credential): Judged {
  if (judged.kind !== 'failed') return judged
  const secrets = secretsOf(credential)
  const { signal, raw, end } = judged
  return {
    ...judged,
    signal: withoutSecrets(signal, secrets),
    raw: raw === null ? null : withoutIn(raw, secrets),
    end: end === null ? null : withoutInEnd(end, secrets),
  }
}

/** The same of how a stream ended that the client has seen the beginning of. */
export function discreetEnd(relayed: Relayed, credential: Credential): Relayed {
  if (relayed.kind === 'broken') return { ...relayed, signal: withoutSecrets(relayed.signal, secretsOf(credential)) }
  const { ended } = relayed
  if (ended.kind !== 'failed') return relayed
  const secrets = secretsOf(credential)
  return {
    kind: 'ended',
    ended: { ...ended, bytes: hidden(ended.bytes, secrets), signal: withoutSecrets(ended.signal, secrets), end: withoutInEnd(ended.end, secrets) },
  }
}

function withoutIn(raw: RawAnswer, secrets: readonly string[]): RawAnswer {
  return raw.kind === 'events' ? { ...raw, events: raw.events.map((event) => hidden(event, secrets)) } : { ...raw, body: hidden(raw.body, secrets) }
}

function withoutInEnd(end: AnswerEnd, secrets: readonly string[]): AnswerEnd {
  return end.code === null ? end : { ...end, code: hiddenText(end.code, secrets) }
}
