import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { behaviours, prepare, round, type Ground, type RoundResult } from './round.ts'
import { SimulatorProcess } from './simulator-process.ts'
import { troubles, type Trouble } from './trouble.ts'

const usage = 'npm run crash -- [--rounds N] [--turns T] [--only "none" | "disk full" | "store locked"]'
/** Of the small disk that is filled: the spool, and room for a store to grow before that. */
const diskBytes = 192 * 1024 * 1024
/** From the trouble to the kill, at most; at least half of it. Unit: milliseconds. */
const runMs = { none: 1500, 'disk full': 4000, 'store locked': 4000 } as const

interface Wanted {
  readonly rounds: number
  readonly turns: number
  readonly only: Trouble | null
  /** A folder on the small disk: this process was started in a mount namespace that has it. */
  readonly disk: string | null
}

function read(): Wanted {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { rounds: text, turns: text, only: text, disk: text } })
  const whole = (said: string | undefined, otherwise: number): number => {
    const number = said === undefined ? otherwise : Number(said)
    if (!Number.isSafeInteger(number) || number < 1) throw new TypeError(`"${said}" is not a whole number`)
    return number
  }
  const only = troubles.find((trouble) => trouble === values.only) ?? null
  if (values.only !== undefined && only === null) throw new TypeError(`--only is one of ${troubles.join(', ')}`)
  return { rounds: whole(values.rounds, 20), turns: whole(values.turns, 500), only, disk: values.disk ?? null }
}

async function main(): Promise<number> {
  const wanted = read()
  let exit = 0
  for (const trouble of wanted.only === null ? troubles : [wanted.only]) {
    if (trouble === 'disk full' && wanted.disk === null) exit = Math.max(exit, onSmallDisk(wanted))
    else exit = Math.max(exit, await rounds(trouble, wanted))
  }
  return exit
}

/** Rounds on the same data. 1: something was missed. */
async function rounds(trouble: Trouble, { rounds: count, turns, disk }: Wanted): Promise<number> {
  const folder = mkdtempSync(join(disk ?? tmpdir(), 'turnout-crash-'))
  const simulator = await SimulatorProcess.start(behaviours)
  const ground: Ground = { folder, simulator: simulator.url, httpClients: Math.ceil(turns / 2), sessions: Math.floor(turns / 2), seen: [] }
  let missed = 0
  try {
    prepare(ground)
    console.log(`\nkill -9 with ${turns} turns running (${ground.httpClients} over HTTP, ${ground.sessions} in sessions); trouble with the store: ${trouble}`)
    console.log('round  running  with output  ends seen  refused  spool   on the books  settled  missed')
    for (let n = 1; n <= count; n++) {
      const result = await round(ground, `r${n}`, trouble, runMs[trouble] * (0.5 + Math.random() / 2))
      missed += result.misses.length
      print(n, result)
    }
  } finally {
    await simulator.end()
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(missed === 0 ? `nothing was missed in ${count} rounds` : `MISSED: ${missed}`)
  return missed === 0 ? 0 : 1
}

function print(n: number, { running, withOutput, ended, refused, spool, turns, settled, misses }: RoundResult): void {
  const cells = [
    String(n).padStart(5),
    String(running).padStart(7),
    String(withOutput).padStart(11),
    String(ended).padStart(9),
    String(refused).padStart(7),
    spool.padEnd(6),
  ]
  console.log([...cells, String(turns).padStart(12), String(settled).padStart(7), String(misses.length).padStart(6)].join('  '))
  for (const miss of misses.slice(0, 10)) console.log(`       ${miss}`)
}

/** Runs itself in a mount namespace of its own, which has a small disk in memory that no other process sees. */
function onSmallDisk({ rounds: count, turns }: Wanted): number {
  const disk = mkdtempSync(join(tmpdir(), 'turnout-small-disk-'))
  mkdirSync(disk, { recursive: true })
  const words = [
    process.execPath,
    ...process.execArgv,
    process.argv[1] ?? '',
    '--only',
    'disk full',
    '--disk',
    disk,
    '--rounds',
    String(count),
    '--turns',
    String(turns),
  ]
  try {
    for (const flags of [['-m'], ['-r', '-m']]) {
      if (spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' }).status !== 0) continue
      const script = `mount -t tmpfs -o size=${diskBytes},mode=700 tmpfs "$0" && exec "$@"`
      return spawnSync('unshare', [...flags, 'sh', '-c', script, disk, ...words], { stdio: 'inherit' }).status ?? 1
    }
    console.log(
      '\nNOT RUN: disk full. It needs a small disk of its own, and this user may not make one (`unshare -m` and `unshare -r -m` were refused). Run it as root.',
    )
    return 0
  } finally {
    rmSync(disk, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  console.error(`${error.message}\n${usage}`)
  process.exitCode = 2
}
