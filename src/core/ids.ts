declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** The name of an account in the configuration: unique, and its identity over a reload. */
export type AccountId = Branded<string, 'AccountId'>
/** The name of a key that we issued (never the key itself). */
export type KeyId = Branded<string, 'KeyId'>
export type PoolId = Branded<string, 'PoolId'>
/** A UUIDv7, so that turns sort by their beginning. */
export type TurnId = Branded<string, 'TurnId'>
/** The id that an upstream gave to an answer; bound to the account that gave it. */
export type ResponseId = Branded<string, 'ResponseId'>
/** A model's name as the client wrote it. */
export type ClientModel = Branded<string, 'ClientModel'>
/** A model's name as one account's mapping yields it. Passing a client's alias where this is due does not compile. */
export type UpstreamModel = Branded<string, 'UpstreamModel'>
