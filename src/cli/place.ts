import { existsSync } from 'node:fs'
import { dirname, join, resolve as absolute } from 'node:path'
import { loadConfiguration } from '../config/load.ts'
import { problemText } from '../config/problem.ts'
import { placesOf, type Places } from '../config/resolve.ts'
import type { Configuration } from '../config/schema.ts'
import { readPidFile, type Serving } from '../lib/pid-file.ts'
import { failed, type CommonOptions, type Failed, type Surroundings } from './surroundings.ts'

/** Where a command works: the configuration, the data, and who serves them. */
export interface Place {
  readonly kind: 'place'
  /** Absolute. */
  readonly file: string
  readonly configuration: Configuration
  readonly places: Places
  /** Null: nobody, as far as the data folder tells. */
  readonly serving: Serving | null
}

export function findPlace(options: CommonOptions, { environment }: Surroundings): Place | Failed {
  const file = absolute(options.config)
  if (!existsSync(file)) return failed(2, `${options.config}:1:1: there is no such file: name another with --config, or let \`turnout serve\` write one.`)
  const loaded = loadConfiguration(options.config, environment, { data: options.data })
  if (loaded.kind === 'invalid') return failed(2, ...loaded.problems.map(problemText))
  const places = placesOf(loaded.configuration, dirname(file))
  return { kind: 'place', file, configuration: loaded.configuration, places, serving: readPidFile(join(places.data, 'turnout.pid')) }
}
