import { parse as parseYaml } from 'yaml'
import type { TestedShape } from '../admin/contract.ts'
import { loadConfiguration } from '../config/load.ts'
import { masked } from '../config/masked.ts'
import { problemText } from '../config/problem.ts'
import { jsonSchema } from '../config/schema-json.ts'
import { testText } from './accounts.ts'
import { findPlace } from './place.ts'
import { giveUp, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'
import { table } from './table.ts'

export interface CheckOptions extends CommonOptions {
  readonly schema?: boolean | undefined
  readonly connect?: boolean | undefined
}

/** `turnout check`: exits 2 where the configuration is wrong, 1 where an account was asked and is not well. */
export async function check(options: CheckOptions, surroundings: Surroundings): Promise<ExitCode> {
  if (options.schema === true) {
    printJson(jsonSchema(), surroundings)
    return 0
  }
  const place = findPlace(options, surroundings)
  if (place.kind === 'failed') {
    if (options.json === true) printJson({ valid: false, problems: problemsOf(options, surroundings) }, surroundings)
    return giveUp(place, surroundings)
  }
  const tested = options.connect === true ? await testAll(place, surroundings) : null
  const shown = masked(place.configuration)
  if (options.json === true) {
    printJson({ valid: true, file: place.file, configuration: parseYaml(shown) as unknown, ...(tested === null ? {} : { accounts: tested }) }, surroundings)
  } else {
    surroundings.out(`# ${options.config} is valid. With every default filled in, and secrets masked, it says:\n${shown}`)
    if (tested !== null) surroundings.out(`\n${table(['ACCOUNT', 'WHAT CAME BACK'], tested.map(row), surroundings)}`)
  }
  return tested === null || tested.every(({ outcome }) => outcome === 'well') ? 0 : 1
}

async function testAll(place: Parameters<typeof import('./reach.ts').openReach>[0], surroundings: Surroundings): Promise<readonly TestedShape[]> {
  const { openReach } = await import('./reach.ts')
  const reach = await openReach(place, surroundings)
  try {
    return await reach.testAll()
  } finally {
    await reach.close()
  }
}

function row(tested: TestedShape) {
  return [tested.account, { text: testText(tested), colour: tested.outcome === 'well' ? 'green' : 'red' }] as const
}

function problemsOf({ config, data }: CheckOptions, { environment }: Surroundings): readonly object[] {
  const loaded = loadConfiguration(config, environment, { data })
  return loaded.kind === 'loaded' ? [] : loaded.problems.map((problem) => ({ ...problem, text: problemText(problem) }))
}
