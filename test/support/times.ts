import type { Settings } from '../../src/ports/settings.ts'

/** The defaults of the configuration. Unit: milliseconds. */
export const times: Settings['times'] = {
  connectMs: 10_000,
  handshakeMs: 15_000,
  firstEventMs: 60_000,
  betweenEventsMs: 280_000,
  answerMs: 590_000,
  lastAttemptMs: 240_000,
  holdHeadMs: 45_000,
  keepAliveMs: 15_000,
  clientWriteMs: 30_000,
  slotWaitMs: 30_000,
  drainMs: 30_000,
  firstFrameMs: 30_000,
  sessionIdleMs: 3_600_000,
}
