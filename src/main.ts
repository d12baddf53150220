import { styleText } from 'node:util'
import { run } from './cli/program.ts'
import type { Surroundings } from './cli/surroundings.ts'
import { hiddenByLook } from './lib/hide.ts'

const surroundings: Surroundings = {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  paint: (colour, text) => styleText(colour, text, { stream: process.stdout }),
  onSignal: (signal, then) => void process.on(signal, then),
}

function die(bug: unknown): never {
  process.stderr.write(`turnout: a bug: ${hiddenByLook(bug instanceof Error ? (bug.stack ?? bug.message) : String(bug))}\n`)
  process.exit(1)
}

process.on('uncaughtException', die)
process.on('unhandledRejection', die)
// Whoever reads us may stop before the end, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit(0) : die(error)))

const code = await run(process.argv.slice(2), surroundings)
// What was printed into a pipe may still be on its way.
process.stdout.write('', () => process.exit(code))
