/** 0: done; 1: failed; 2: bad usage or a bad configuration; 130: interrupted a second time. */
export type ExitCode = 0 | 1 | 2 | 130

/** What a command is given of the world around it. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Prints what was asked for. */
  readonly out: (text: string) => void
  /** Prints what is wrong, and what goes on. */
  readonly err: (text: string) => void
  /** Colours a text where there is someone to see it. */
  readonly paint: (colour: Colour, text: string) => string
  /** Calls back at each such signal, which then no longer ends the process by itself. */
  readonly onSignal: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', then: () => void) => void
}

export type Colour = 'green' | 'yellow' | 'red' | 'dim'

/** What every command takes. */
export interface CommonOptions {
  readonly config: string
  readonly data?: string | undefined
  readonly json?: boolean | undefined
}

/** What stands in the way of a command, for the person who typed it. */
export interface Failed {
  readonly kind: 'failed'
  readonly exit: 1 | 2
  readonly sentences: readonly string[]
}

export function failed(exit: 1 | 2, ...sentences: readonly string[]): Failed {
  return { kind: 'failed', exit, sentences }
}

/** Says what is wrong; the answer is the code to exit with. */
export function giveUp({ exit, sentences }: Pick<Failed, 'exit' | 'sentences'>, surroundings: Surroundings): ExitCode {
  for (const sentence of sentences) surroundings.err(`${plain(sentence)}\n`)
  return exit
}

export function printJson(value: unknown, { out }: Surroundings): void {
  out(`${JSON.stringify(value, null, 2)}\n`)
}

/** Without what a terminal would obey: names of models come from clients. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
