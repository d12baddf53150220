import { contract, type AccountShape, type AnswerOf, type Contract, type QueryOf } from '../admin/contract.ts'
import type { KeyShape } from '../admin/contract-keys.ts'
import { parse } from '../admin/question.ts'
import { failed, type Failed } from './surroundings.ts'

/** What commands ask the gateway, or its books. */
export type DeskQuestion =
  | 'accounts'
  | 'test'
  | 'turns'
  | 'turn'
  | 'usage'
  | 'keys'
  | 'createKey'
  | 'revokeKey'
  | 'audit'
  | 'importCredential'
  | 'rotateSecrets'
/** What only a gateway that serves can say. */
export type ServedQuestion = DeskQuestion | 'status'

export interface Question {
  /** What the path names. */
  readonly params?: Readonly<Record<string, string>>
  /** As it would stand in an address. */
  readonly query?: Readonly<Record<string, string>>
  /** What is sent as JSON. */
  readonly body?: unknown
}

export type Told<Name extends ServedQuestion> = { readonly kind: 'told'; readonly body: AnswerOf<Name> } | Failed

/** Answers what the admin API would: asked of the gateway that serves, or, where none does, found in the store. */
export interface Desk {
  readonly kind: 'desk'
  ask<Name extends DeskQuestion>(name: Name, question?: Question): Promise<Told<Name>>
  close(): Promise<void>
}

export interface ServedDesk extends Desk {
  ask<Name extends ServedQuestion>(name: Name, question?: Question): Promise<Told<Name>>
}

/** A question's parameters, read as the admin API reads them; what is wrong is named as the option that says it. */
export function readQuery<Name extends DeskQuestion>(
  name: Name,
  query: Readonly<Record<string, string>>,
): { readonly kind: 'read'; readonly value: QueryOf<Name> } | Failed {
  const { query: shape }: Contract = contract[name]
  const read = shape === null ? { kind: 'read' as const, value: null } : parse(shape, query, 'invalid_query')
  if (read.kind === 'read') return { kind: 'read', value: read.value as QueryOf<Name> }
  const { param, message } = read
  return failed(2, param === null ? message : `--${param}: ${message.replace(/^.*: /, '')}`)
}

/** What a problem of the admin API means to a command. */
export function fromProblem({ code, message }: { readonly code: string; readonly message: string }): Failed {
  return failed(code === 'invalid_query' || code === 'invalid_body' ? 2 : 1, message)
}

export type Whole<Row> = { readonly kind: 'whole'; readonly rows: readonly Row[] } | Failed

export function everyAccount(desk: Desk): Promise<Whole<AccountShape>> {
  return everyPage(desk, 'accounts', ({ accounts, next }) => ({ rows: accounts, next }))
}

export function everyKey(desk: Desk): Promise<Whole<KeyShape>> {
  return everyPage(desk, 'keys', ({ keys, next }) => ({ rows: keys, next }))
}

interface Page<Row> {
  readonly rows: readonly Row[]
  readonly next: string | null
}

/** A whole list, page by page. */
async function everyPage<Name extends 'accounts' | 'keys', Row>(desk: Desk, name: Name, pageOf: (body: AnswerOf<Name>) => Page<Row>): Promise<Whole<Row>> {
  const rows: Row[] = []
  for (let after: string | null = ''; after !== null;) {
    const told: Told<Name> = await desk.ask(name, after === '' ? {} : { query: { after } })
    if (told.kind === 'failed') return told
    const page: Page<Row> = pageOf(told.body)
    rows.push(...page.rows)
    after = page.next
  }
  return { kind: 'whole', rows }
}
