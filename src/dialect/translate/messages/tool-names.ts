import { hash } from 'node:crypto'

/** What the hub takes; Messages takes twice as much (protocols.md 5.6). Unit: characters. */
const toolNameMax = 64

/** Enough to keep names apart that begin alike. Unit: hexadecimal digits. */
const digestLength = 8

/** Shortens the names of tools for the hub, and remembers which. The same name is shortened the same way in every turn. */
export class ToolNames {
  readonly #shortened = new Map<string, string>()

  /** The client's own names, by what they are called upstream. */
  get shortened(): ReadonlyMap<string, string> {
    return this.#shortened
  }

  /** What is no text is for the upstream to judge. */
  short(name: unknown): unknown {
    if (typeof name !== 'string' || name.length <= toolNameMax) return name
    const short = `${name.slice(0, toolNameMax - digestLength - 1)}_${hash('sha256', name, 'hex').slice(0, digestLength)}`
    this.#shortened.set(short, name)
    return short
  }
}
