import { namedLanesMax, waitingMax } from './lanes.ts'
import { refusal } from './refusal.ts'

// What a session says to its client on its own behalf: of itself, or of a turn that will not begin.

export const endedByPolicy = refusal('policy_violation', 'The session ends, since an earlier turn of it asked for what is not allowed here.')
export const endedByFrame = refusal('invalid_body', 'The session ends, since a later frame of it is not one that may be sent; this turn had not begun.')
export const unserved = refusal('no_account_ready', 'No account could serve the first turn of this session.')
export const revoked = refusal('invalid_api_key', 'The key of this session is not valid any more.')
export const drained = refusal('shutting_down', 'The gateway is shutting down; it, or its successor, will answer soon.')
export const lateFirst = refusal('request_timeout', 'No frame came in time after the session was opened.')
export const modelMissing = refusal('invalid_body', '`model` must be the name of a model, as text: neither this frame nor one before it names one.', {
  param: 'model',
})
export const tooManyLanes = refusal(
  'websocket_stream_limit_reached',
  `A session may have ${namedLanesMax} lanes with a name; use one of them, or open another session.`,
  {
    param: 'stream_id',
  },
)
export const laneFull = refusal('queue_full', `${waitingMax} turns are waiting in this lane already.`)
