import path from 'path'
import { launch, root } from '../bin/launch.mjs'
import { makeReady } from './ready.mjs'

makeReady()
launch(path.join(root, 'test', 'crash', 'main.ts'), process.argv.slice(2))
