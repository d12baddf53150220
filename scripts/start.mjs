import path from 'path'
import { pathToFileURL } from 'url'
import { root } from '../bin/launch.mjs'
import { makeReady } from './ready.mjs'

makeReady()
process.argv.splice(2, 0, 'serve')
void import(pathToFileURL(path.join(root, 'bin', 'turnout.mjs')).href)
