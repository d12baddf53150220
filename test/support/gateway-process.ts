import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tree.ts'

/** `turnout serve` as a process of its own. */
export class GatewayProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #said = ''

  constructor(folder: string) {
    this.#child = spawn(process.execPath, [join(root, 'src', 'main.ts'), 'serve', '--port', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
    this.#ended = once(this.#child, 'close')
  }

  /** The memory that it takes at this moment, where the system says so; else 0. */
  get residentBytes(): number {
    const status = `/proc/${this.#child.pid}/status`
    if (!existsSync(status)) return 0
    return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1])
  }

  /** All that it has printed and logged. */
  get said(): string {
    return this.#said
  }

  /** The part in brackets of the first thing that it says and that fits. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#said)?.[1]
      if (found !== undefined) return found
      const more = once(this.#child.stdout ?? this.#child, 'data')
      const ended = this.#ended.then(() => {
        throw new Error(`it ended without saying ${pattern}: ${this.#said}`)
      })
      await Promise.race([more, ended])
    }
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Asks it to finish what runs, and waits for its end. */
  async terminate(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    await this.#ended
    return this.#child.exitCode
  }
}
