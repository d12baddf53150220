/** Time as an argument. The whole program reads the wall clock and sets timers here and nowhere else, so that a test is arithmetic. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `ring` once, `ms` from now and never in the current tick. The answer takes it back; taking back twice does nothing. */
  after(ms: number, ring: () => void): () => void
}

/**
 * From when times are counted that are noted at every event. So they are small numbers, which stand in their object; a time of day would stand somewhere else in
 * memory, and be gone for. Unit: milliseconds since the epoch.
 */
export const eraMs = Date.now()

/** Uniform in [0, 1). */
export type Dice = () => number

/** Longer delays overflow the timer of Node and would ring at once; they are set again until the time has come. */
const timerMsMax = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, ring) {
    if (ms > timerMsMax) return inSteps(ms, ring)
    const timer = setTimeout(ring, Math.max(0, ms))
    return () => clearTimeout(timer)
  },
}

function inSteps(ms: number, ring: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = (leftMs: number) => {
    const stepMs = Math.min(leftMs, timerMsMax)
    timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : ring()), stepMs)
  }
  arm(ms)
  return () => clearTimeout(timer)
}

export const systemDice: Dice = () => Math.random()
