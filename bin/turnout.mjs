#!/usr/bin/env node
import fs from 'fs'
import path from 'path'
import { checkStartingNode, launch, root } from './launch.mjs'

checkStartingNode()
const source = path.join(root, 'src', 'main.ts')
launch(fs.existsSync(source) ? source : path.join(root, 'dist', 'main.js'), process.argv.slice(2))
