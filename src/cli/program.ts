import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { TestOptions } from './accounts.ts'
import type { AuditOptions } from './audit.ts'
import type { CheckOptions } from './check.ts'
import type { CreateKeyOptions } from './keys.ts'
import type { ServeOptions } from './serve.ts'
import type { SimulatorOptions } from './simulator.ts'
import type { ImportOptions } from './import-account.ts'
import type { CommonOptions, ExitCode, Surroundings } from './surroundings.ts'
import type { ReconcileOptions } from './reconcile.ts'
import type { TurnsOptions } from './turns.ts'
import type { UsageOptions } from './usage.ts'

/** Runs the command that these words name. Each command's parts are loaded only when it runs. */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  let exit: ExitCode = 0
  const end = async (code: Promise<ExitCode>): Promise<void> => {
    exit = await code
  }
  const program = new Command('turnout').description('A self-hosted gateway for LLM APIs: many upstream accounts behind one address.')
  program.version(version(), '-V, --version', 'print the version')
  program.helpCommand('help [command]', 'print what a command takes').showHelpAfterError('(turnout --help lists the commands)')
  // Inherited by every command that is added afterwards.
  program.exitOverride().configureOutput({ writeOut: (text) => surroundings.out(text), writeErr: (text) => surroundings.err(text) })
  addRunning(program, surroundings, end)
  addAsking(program, surroundings, end)
  addBooks(program, surroundings, end)
  addKeys(program, surroundings, end)
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.code === 'commander.helpDisplayed' || error.code === 'commander.version' ? 0 : 2
  }
  return exit
}

type End = (code: Promise<ExitCode>) => Promise<void>

/** The commands that run something, or look at what would run. */
function addRunning(program: Command, surroundings: Surroundings, end: End): void {
  common(program.command('serve'))
    .description('serve; writes turnout.yaml, for a trial, where there is none')
    .option('--host <host>', 'the address to listen on, instead of the configured one')
    .option('--port <port>', 'the port to listen on; 0 takes any free one', port)
    .action((options: ServeOptions) => end(import('./serve.ts').then(({ serve }) => serve(options, surroundings))))
  common(program.command('check'), 'json')
    .description('validate the configuration and print it with every default, secrets masked')
    .option('--schema', 'print the JSON Schema of the configuration instead')
    .option('--connect', 'ask each account once whether its upstream serves it')
    .action((options: CheckOptions) => end(import('./check.ts').then(({ check }) => check(options, surroundings))))
  program
    .command('simulator')
    .description('run the scripted upstream alone')
    .option('--host <host>', 'the address to listen on', '127.0.0.1')
    .option('--port <port>', 'the port to listen on; 0 takes any free one', port, 0)
    .option('--json', 'print JSON')
    .action((options: SimulatorOptions) => end(import('./simulator.ts').then(({ simulator }) => simulator(options, surroundings))))
  common(program.command('doctor'), 'json')
    .description('look at everything that a gateway needs, and say what is wrong')
    .action((options: CommonOptions) => end(import('./doctor.ts').then(({ doctor }) => doctor(options, surroundings))))
}

/** The commands that ask the gateway that serves, or the store where none does. */
function addAsking(program: Command, surroundings: Surroundings, end: End): void {
  const accounts = program.command('accounts').description('what the upstream accounts are doing')
  common(accounts.command('list'), 'json')
    .description('every account, its health and why')
    .action((options: CommonOptions) => end(import('./accounts.ts').then(({ listAccounts }) => listAccounts(options, surroundings))))
  common(accounts.command('test'), 'json')
    .description('make one turn of a few tokens at the upstream of this account, and say what came back')
    .argument('<name>')
    .option('--model <name>', 'the model to ask, as clients name it (default: the first that the mapping names, else a small one that the upstream lists)')
    .action((name: string, options: TestOptions) => end(import('./accounts.ts').then(({ testAccount }) => testAccount(name, options, surroundings))))
  common(accounts.command('import'), 'json')
    .description('give an account the sign-in of another program: codex-auth is the auth.json of the Codex CLI')
    .argument('<format>', 'codex-auth')
    .argument('<file>', 'usually ~/.codex/auth.json')
    .option('--account <name>', 'which account (default: the only one with upstream: codex)')
    .action((format: string, file: string, options: ImportOptions) =>
      end(import('./import-account.ts').then(({ importAccount }) => importAccount(format, file, options, surroundings))),
    )
  common(program.command('secrets').description('the key under which stored credentials are sealed').command('rotate'), 'json')
    .description('make a new key, and seal everything stored anew')
    .action((options: CommonOptions) => end(import('./secrets.ts').then(({ rotateSecrets }) => rotateSecrets(options, surroundings))))
  const turns = program.command('turns').description('what happened')
  common(turns.command('list'), 'json')
    .description('turns, newest first')
    .option('--limit <n>', 'how many, at most 100 (default: 20)')
    .option('--before <id>', 'only turns that began before this one')
    .option('--key <name>', 'only turns of this key')
    .option('--account <name>', 'only turns that tried this account')
    .option('--status <status>', 'open, settled or interrupted')
    .option('--outcome <outcome>', 'completed, incomplete, failed, cancelled or refused')
    .action((options: TurnsOptions) => end(import('./turns.ts').then(({ listTurns }) => listTurns(options, surroundings))))
  common(turns.command('show'), 'json')
    .description('one turn, its attempts and the reasons in words')
    .argument('<id>')
    .action((id: string, options: CommonOptions) => end(import('./turns.ts').then(({ showTurn }) => showTurn(id, options, surroundings))))
  common(program.command('audit'), 'json')
    .description('who changed what, newest first')
    .option('--limit <n>', 'how many, at most 100 (default: 20)')
    .option('--before <id>', 'only changes that were made before this one')
    .action((options: AuditOptions) => end(import('./audit.ts').then(({ listAudit }) => listAudit(options, surroundings))))
}

/** The commands about the books as a whole. */
function addBooks(program: Command, surroundings: Surroundings, end: End): void {
  common(program.command('usage'), 'json')
    .description('what turns come to: tokens, charges, and how many are unknown')
    .option('--by <what>', 'key, account, model or day (default: key)')
    .option('--from <when>', 'only turns that began then or later: a day (UTC) or a moment, to the hour')
    .option('--to <when>', 'only turns that began before then')
    .action((options: UsageOptions) => end(import('./usage.ts').then(({ showUsage }) => showUsage(options, surroundings))))
  common(program.command('reconcile'), 'json')
    .description("compare an upstream's usage export with the books; exit 1 where they differ")
    .argument('<file>', 'CSV or JSON, as docs/ledger.md says')
    .option('--account <name>', 'only what this account used (default: every account)')
    .action((file: string, options: ReconcileOptions) => end(import('./reconcile.ts').then(({ reconcile }) => reconcile(file, options, surroundings))))
  common(program.command('backup'), 'json')
    .description('copy the store into a file, whether a gateway serves or not')
    .argument('<file>', 'made new')
    .action((file: string, options: CommonOptions) => end(import('./backup.ts').then(({ backup }) => backup(file, options, surroundings))))
}

/** The keys that clients use. */
function addKeys(program: Command, surroundings: Surroundings, end: End): void {
  const keys = program.command('keys').description('the API keys that clients use')
  common(keys.command('list'), 'json')
    .description('every key: its end, its limits, and when it expires')
    .action((options: CommonOptions) => end(import('./keys.ts').then(({ listKeys }) => listKeys(options, surroundings))))
  common(keys.command('create'), 'json')
    .description('make a key, and print it once')
    .argument('<name>')
    .requiredOption('--pool <name>', 'a pool that it may use; several are tried in this order', several)
    .option('--model <name>', 'a model that it may ask for; may stand several times (default: every model)', several)
    .option('--label <name=text>', 'whatever helps to tell keys apart; may stand several times', labelled)
    .option('--expires <instant>', 'from when on it is refused, such as 2030-01-31T12:00:00Z (default: never)')
    .option('--concurrency <n>', 'turns at once', number)
    .option('--sessions <n>', 'WebSocket sessions open at once', number)
    .option('--requests-per-minute <n>', 'turns a minute', number)
    .option('--tokens-per-minute <n>', 'tokens read and written a minute', number)
    .option('--usd-per-day <n>', 'what its turns may cost in a day (UTC)', number)
    .option('--usd-per-month <n>', 'what its turns may cost in a month (UTC)', number)
    .action((name: string, options: CreateKeyOptions) => end(import('./keys.ts').then(({ createKey }) => createKey(name, options, surroundings))))
  common(keys.command('revoke'), 'json')
    .description('take a key away at once, from open sessions too')
    .argument('<name>')
    .action((name: string, options: CommonOptions) => end(import('./keys.ts').then(({ revokeKey }) => revokeKey(name, options, surroundings))))
}

function several(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function labelled(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('expected name=text')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

function number(text: string): number {
  if (!/^\d{1,15}(\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError('expected a number')
  return Number(text)
}

/** What every command takes. */
function common(command: Command, prints: 'json' | 'nothing' = 'nothing'): Command {
  command.option('--config <file>', 'the configuration', 'turnout.yaml').option('--data <folder>', 'the data folder, instead of the configured one')
  return prints === 'json' ? command.option('--json', 'print JSON') : command
}

function port(text: string): number {
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number > 65_535) throw new InvalidArgumentError('expected a number from 0 to 65535')
  return number
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return manifest.version
}
