import { readFileSync, statSync } from 'node:fs'
import { readCodexAuth } from './codex-auth.ts'
import { atDesk } from './open-desk.ts'
import { findPlace, type Place } from './place.ts'
import { failed, giveUp, printJson, type CommonOptions, type ExitCode, type Failed, type Surroundings } from './surroundings.ts'

export interface ImportOptions extends CommonOptions {
  readonly account?: string | undefined
}

const fileBytesMax = 1024 * 1024

/** `turnout accounts import codex-auth FILE`: gives an account the sign-in of the Codex CLI. */
export async function importAccount(format: string, file: string, options: ImportOptions, surroundings: Surroundings): Promise<ExitCode> {
  if (format !== 'codex-auth')
    return giveUp(failed(2, `'${format.slice(0, 64)}' cannot be imported: expected codex-auth, the auth.json of the Codex CLI.`), surroundings)
  const place = findPlace(options, surroundings)
  if (place.kind === 'failed') return giveUp(place, surroundings)
  const account = accountOf(place, options.account)
  if (typeof account !== 'string') return giveUp(account, surroundings)
  const text = textOf(file)
  if (typeof text !== 'string') return giveUp(text, surroundings)
  const auth = readCodexAuth(text)
  if (auth.kind === 'wrong') return giveUp(failed(1, `${file} cannot be imported: ${auth.why}.`), surroundings)
  const told = await atDesk(options, surroundings, (desk) => desk.ask('importCredential', { params: { name: account }, body: auth.body }))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  if (options.json === true) printJson(told.body, surroundings)
  else surroundings.out(`The account '${account}' has this sign-in now; it is sealed in the store and renews itself.\n`)
  surroundings.err(
    `Each renewal makes the tokens in ${file} useless: let no other program use them, and sign the Codex CLI in once more for itself. Do not sign out of this sign-in, which may end it here too.\n`,
  )
  return 0
}

/** The account that is named, or the only one that a Codex sign-in can be for. */
function accountOf({ configuration }: Place, named: string | undefined): string | Failed {
  if (named !== undefined) return named
  const names = configuration.accounts.filter(({ upstream }) => upstream === 'codex').map(({ name }) => name)
  const [only] = names
  if (only !== undefined && names.length === 1) return only
  if (names.length > 1) return failed(2, `Several accounts have upstream: codex. Say which with --account: ${names.slice(0, 20).join(', ')}.`)
  return failed(1, 'No account has upstream: codex. Add one to the configuration first: - { name: chatgpt, upstream: codex }')
}

function textOf(file: string): string | Failed {
  try {
    const { size } = statSync(file)
    if (size > fileBytesMax) return failed(1, `${file} has more than ${fileBytesMax} bytes: that is no auth.json.`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return failed(1, `${file} cannot be read (${code}). The Codex CLI keeps its sign-in in ~/.codex/auth.json.`)
  }
}
