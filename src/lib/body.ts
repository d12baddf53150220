
/** A half-open range of bytes. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** One change to a body. Everything that no edit names stays byte for byte. */
export type Edit =
  /** Sets a governed top-level member to this JSON text; adds it at the end where it is absent. */
  | { readonly kind: 'set'; readonly member: string; readonly json: string | Buffer }
  | { readonly kind: 'drop'; readonly member: string }
  /** Drops items, by index, of the array that is this member's value. */
  | { readonly kind: 'drop-items'; readonly member: string; readonly indexes: readonly number[] }
  /** Drops one member of each object named by index in the array that is this member's value. */
  | { readonly kind: 'drop-in-items'; readonly member: string; readonly indexes: readonly number[]; readonly name: string }

/** The bytes of an edited body, to be written one piece after another; none is a copy of the whole. */
export interface Pieces {
  readonly pieces: readonly Buffer[]
  readonly bytes: number
}

export type Parsed = { readonly kind: 'body'; readonly body: Body } | { readonly kind: 'not-json' } | { readonly kind: 'not-an-object' } | { readonly kind: 'duplicate'; readonly member: string }

/** A JSON object as its bytes and an index of its top-level members. Frozen: an edit yields pieces and changes nothing here. */
export declare class Body {
  /** @param governed names, after unescaping, that may stand only once. `start`, `end`: the range of `bytes` that holds the object. */
  static parse(bytes: Buffer, governed: ReadonlySet<string>, start?: number, end?: number): Parsed
  readonly bytes: Buffer
  /** The value's range; null where the member is absent. The last one, where an ungoverned member stands twice. */
  span(member: string): Span | null
  /** The value, parsed; undefined where the member is absent. Costs a parse of that value only. */
  value(member: string): unknown
  /** Ranges of the items, where the member's value is an array; null where it is not. */
  items(member: string): readonly Span[] | null
  /** The index of the object at this range (of an item, or of a value). Null where it is no object. */
  within(span: Span): Body | null
  edited(edits: readonly Edit[]): Pieces
}
