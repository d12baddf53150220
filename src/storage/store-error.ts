/** What is wrong with the store: with its file, for the first eight; with the running store, for the rest. */
export type StoreErrorCode =
  | 'folder-missing'
  | 'folder-not-writable'
  | 'read-only'
  | 'corrupt'
  | 'foreign'
  | 'newer'
  | 'locked'
  | 'cannot-open'
  | 'down'
  | 'busy'
  | 'failed'

/** The message is a sentence for the operator; it says what to do where there is something to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
