import type { Said } from '../../core/replay.ts'
import type { FramePlan, Plan } from '../../core/shape.ts'
import { Body, type Edit } from '../../lib/body.ts'
import { openBrace } from '../../lib/json-scan.ts'
import { codexItem } from './codex-edits.ts'
import { turnStateName } from './frame.ts'
import { listOf } from './items.ts'

/** Frames alone have these; to a request's body they would be strangers. */
const framesOwn = ['type', 'stream_id', 'generate', 'event_id'] as const

/** What a session's frame says differently to this account, beside what any turn does. */
export function frameEdits(plan: Plan, frame: FramePlan, body: Body): readonly Edit[] {
  const edits: Edit[] = []
  const drop = (member: string): void => {
    if (body.span(member) !== null) edits.push({ kind: 'drop', member })
  }
  const isNamed = plan.renamed === null && body.value('model') === plan.model
  if ((frame.model === 'written' || frame.to === 'http') && !isNamed) edits.push({ kind: 'set', member: 'model', json: JSON.stringify(plan.model) })
  if (frame.to === 'websocket') drop('stream')
  else {
    for (const member of framesOwn) drop(member)
    if (body.value('stream') !== true) edits.push({ kind: 'set', member: 'stream', json: 'true' })
  }
  if (frame.turnState === 'drop') edits.push(...withoutTurnState(body))
  if (frame.replay !== null) edits.push({ kind: 'set', member: 'input', json: inputOf(frame.replay, plan) })
  if (frame.replay !== null || frame.continues === 'dropped') drop('previous_response_id')
  return edits
}

function withoutTurnState(body: Body): readonly Edit[] {
  const span = body.span('client_metadata')
  if (span === null || body.bytes[span.start] !== openBrace) return []
  const metadata = body.within(span)
  // What cannot be read may hold it all the same.
  if (metadata === null) return [{ kind: 'drop', member: 'client_metadata' }]
  if (metadata.span(turnStateName) === null) return []
  return [{ kind: 'set', member: 'client_metadata', json: metadata.edited([{ kind: 'drop', member: turnStateName }]).pieces }]
}

function inputOf(said: readonly Said[], { upstream }: Plan): readonly Buffer[] {
  return listOf(
    said.map(({ item, without }) => {
      const edited = upstream === 'codex' ? codexItem(item.json, without === 'nothing' ? 'typed-ids' : 'no-ids') : null
      return edited ?? (without === 'nothing' ? [item.json] : withoutId(item.json))
    }),
  )
}

function withoutId(json: Buffer): readonly Buffer[] {
  return Body.of(json)?.edited([{ kind: 'drop', member: 'id' }]).pieces ?? [json]
}
