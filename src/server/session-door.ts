import type { Account } from '../core/account.ts'
import type { AccountId, TurnId } from '../core/ids.ts'
import type { Outcome } from '../core/record.ts'
import type { SessionDialect } from '../dialect/dialect.ts'
import type { Clock } from '../lib/clock.ts'
import type { Headers } from '../lib/headers.ts'
import type { Caller } from '../ports/caller.ts'
import type { Log } from '../ports/log.ts'
import type { Settings } from '../ports/settings.ts'
import type { Sink } from '../ports/sink.ts'
import type { Sockets } from '../ports/sockets.ts'
import type { Ask } from '../turn/world.ts'
import type { ClientEnd } from './client-socket.ts'
import type { FrameReader } from './frame-reader.ts'
import type { OpenTurns } from './open-turns.ts'
import type { Transcripts } from './transcripts.ts'

/** What sessions need. */
export interface SessionDoor {
  readonly clock: Clock
  readonly log: Log
  readonly dialect: SessionDialect
  readonly reader: FrameReader
  readonly transcripts: Transcripts
  readonly sockets: Sockets
  readonly open: OpenTurns
  /** How long a client may take to answer a close. Unit: milliseconds. */
  readonly lingerMs: number
  settings(): Settings
  newId(): TurnId
  /** Null: this account is gone. */
  account(id: AccountId): Account | null
  run(ask: Ask, sink: Sink, signal: AbortSignal): Promise<Outcome>
}

/** Whose session it is. */
export interface SessionClient {
  readonly socket: ClientEnd
  /** What the client said at the upgrade. */
  readonly headers: Headers
  readonly requestId: string
  /** Who is asking, as the keys stand now; null: the key is gone. */
  caller(): Caller | null
}
