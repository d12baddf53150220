import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { root } from '../support/tree.ts'

/** `turnout simulator` as a process of its own. */
export class SimulatorProcess {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  static async start(behaviours: readonly object[]): Promise<SimulatorProcess> {
    const child = spawn(process.execPath, [join(root, 'src', 'main.ts'), 'simulator', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    while (!text.includes('}')) text += String((await once(child.stdout, 'data'))[0])
    const { url, control } = JSON.parse(text) as { readonly url: string; readonly control: string }
    for (const behaviour of behaviours) await post(control, behaviour)
    return new SimulatorProcess(child, url)
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

async function post(url: string, body: object): Promise<void> {
  const asking = request(url, { method: 'POST', agent: false })
  asking.end(JSON.stringify(body))
  const [answer] = (await once(asking, 'response')) as [NodeJS.ReadableStream & { readonly statusCode?: number }]
  answer.resume()
  await once(answer, 'end')
  if (answer.statusCode !== 200) throw new Error(`the simulator answered ${answer.statusCode} to its control`)
}
