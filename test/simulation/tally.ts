import type { Story } from './story.ts'

export type Counted = Pick<Tally, 'counts' | 'turns' | 'attempts' | 'events' | 'virtualMs' | 'digest'>

/** What happened in a simulation, counted by kind. Two tallies of parts add up to one of the whole. */
export class Tally {
  readonly counts = new Map<string, Map<string, number>>()
  turns = 0
  attempts = 0
  events = 0
  virtualMs = 0
  /** Of everything noted of every turn: two runs that differ anywhere differ here. */
  digest = 0x811c9dc5

  count(what: string, kind: string, by = 1): void {
    let kinds = this.counts.get(what)
    if (kinds === undefined) this.counts.set(what, (kinds = new Map<string, number>()))
    kinds.set(kind, (kinds.get(kind) ?? 0) + by)
  }

  story(story: Story, client: { readonly state: string }): void {
    this.turns++
    this.attempts += story.calls.length
    this.count('outcome', story.outcome ?? 'lost in a crash')
    this.count('client', client.state)
    if (story.record !== null && story.record.code !== null) this.count('code', story.record.code)
    for (const attempt of story.record?.attempts ?? []) if (attempt.failure !== null) this.count('failure', attempt.failure)
    if (story.calls.length > 1) this.count('attempts of one turn', String(story.calls.length))
    for (const [atMs, what] of story.notes) this.fold(atMs, what)
    this.fold(story.number, story.outcome ?? '')
  }

  fold(number: number, word: string): void {
    let hash = Math.imul(this.digest ^ number, 0x01000193)
    for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
    this.digest = (hash ^ (hash >>> 15)) >>> 0
  }

  add(other: Counted): void {
    this.turns += other.turns
    this.attempts += other.attempts
    this.events += other.events
    this.virtualMs += other.virtualMs
    this.fold(other.digest, '')
    for (const [what, kinds] of other.counts) for (const [kind, by] of kinds) this.count(what, kind, by)
  }
}
