/** Why a turn was called off from outside. A cancelled turn is nobody's failure: it never touches an account's health. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
  readonly by: 'client' | 'shutdown'

  constructor(by: 'client' | 'shutdown') {
    super(`turn cancelled by ${by}`)
    this.by = by
  }
}

/** Null while the signal stands, or when something else than a cancellation aborted it. */
export function wasCancelled(signal: AbortSignal): Cancelled | null {
  return signal.aborted && signal.reason instanceof Cancelled ? signal.reason : null
}
