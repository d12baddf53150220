/** A broken assumption of ours, never of a client or an upstream: a Bug, caught once per turn at the server's edge. */
class Bug extends Error {
  override readonly name = 'Bug'
}

/** Throws a Bug when `holds` is false. */
export function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Bug(what)
}
