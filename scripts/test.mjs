import path from 'path'
import { launch, root } from '../bin/launch.mjs'
import { makeReady } from './ready.mjs'

makeReady()
process.chdir(root)
launch(path.join(root, 'node_modules', 'vitest', 'vitest.mjs'), ['run', '--configLoader', 'native'].concat(process.argv.slice(2)))
