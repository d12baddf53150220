// @ts-check
// Read by any Node from 12 on, so that one which is too old can say so: no newer syntax, no `node:` imports, no awaiting at the top.
import { spawn } from 'child_process'
import fs from 'fs'
import module from 'module'
import os from 'os'
import path from 'path'
import { fileURLToPath, pathToFileURL } from 'url'

/** Below this the packages cannot even be installed. @type {[number, number]} */
const startsOn = [20, 0]
/** From here on TypeScript runs from source, and everything else that the server uses is there. @type {[number, number]} */
const runsOn = [24, 15]

/** The folder of the package. */
export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** @param {string} version @param {[number, number]} wanted */
function isAtLeast(version, wanted) {
  const there = version.split('.')
  const major = Number(there[0])
  return major > wanted[0] || (major === wanted[0] && Number(there[1]) >= wanted[1])
}

/** Ends the process with sentences that say what happened, why, and what to do. @param {number} code @param {string} sentences @returns {never} */
export function giveUp(code, sentences) {
  process.stderr.write('turnout: ' + sentences + '\n')
  process.exit(code)
}

/** Ends the process when this Node cannot even start the pinned one. */
export function checkStartingNode() {
  if (isAtLeast(process.versions.node, startsOn)) return
  giveUp(
    2,
    'this is Node ' +
      process.versions.node +
      ', and Turnout needs Node ' +
      startsOn[0] +
      ' or newer. Install a newer one (https://nodejs.org) and run the same command again.',
  )
}

/** The Node that the lock file pins, where npm has installed one for this machine. @returns {string | null} */
function pinnedNode() {
  const name = 'node-' + (process.platform === 'win32' ? 'win' : process.platform) + '-' + process.arch
  try {
    const manifest = module.createRequire(import.meta.url).resolve(name + '/package.json')
    const pinned = JSON.parse(fs.readFileSync(manifest, 'utf8'))
    const file = path.join(path.dirname(manifest), typeof pinned.bin === 'string' ? pinned.bin : pinned.bin.node)
    return isAtLeast(pinned.version, runsOn) && fs.existsSync(file) ? file : null
  } catch {
    return null
  }
}

/**
 * Where compiled code is kept between starts; null when no folder is ours alone to write.
 * @returns {string | null}
 */
function compileCache() {
  const above = path.dirname(root)
  const modules = path.basename(above) === 'node_modules' ? above : path.join(root, 'node_modules')
  const user = process.getuid ? process.getuid() : 0
  for (const folder of [path.join(modules, '.cache', 'turnout'), path.join(os.tmpdir(), 'turnout-cache-' + user)]) {
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
      fs.accessSync(folder, fs.constants.W_OK)
      if (!process.getuid || fs.statSync(folder).uid === user) return folder
    } catch {
      // The next one, then.
    }
  }
  return null
}

/**
 * Runs a module as the program: in this process where its Node will do, else in a child on the pinned one.
 * @param {string} file
 * @param {string[]} args
 */
export function launch(file, args) {
  const cache = process.env.NODE_COMPILE_CACHE || compileCache()
  if (!isAtLeast(process.versions.node, runsOn)) return launchChild(file, args, cache)
  if (cache !== null) {
    process.env.NODE_COMPILE_CACHE = cache // worker threads and children read it from here
    module.enableCompileCache(cache)
  }
  process.argv = process.argv.slice(0, 1).concat(file, args)
  import(pathToFileURL(file).href).catch(function (error) {
    const missing = error.code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find package '([^']+)'/.exec(error.message)
    if (missing) giveUp(2, "the package '" + missing[1] + "' is not installed. Run `npm ci --ignore-scripts` in " + root + ' and try again.')
    throw error
  })
}

/** @param {string} file @param {string[]} args @param {string | null} cache */
function launchChild(file, args, cache) {
  const node = pinnedNode()
  if (node === null) {
    giveUp(
      2,
      'this is Node ' +
        process.versions.node +
        ', Turnout runs on ' +
        runsOn.join('.') +
        ' or newer, and the Node that comes with it is not installed here' +
        ' (there is one for Linux on x64 and arm64 and for Windows on x64). Run `npm ci --include=optional`, or install Node ' +
        runsOn[0] +
        ' (https://nodejs.org), and try again.',
    )
  }
  const env = cache === null ? process.env : Object.assign({}, process.env, { NODE_COMPILE_CACHE: cache })
  const child = spawn(node, [file].concat(args), { stdio: 'inherit', env: env })
  child.on('error', function (error) {
    giveUp(
      2,
      'the Node that comes with Turnout does not run on this machine (' +
        error.message +
        '). Install Node ' +
        runsOn[0] +
        ' (https://nodejs.org) and try again.',
    )
  })
  // A terminal gives its Ctrl-C to the child too; passed on as well it would count as the second one, which ends the server at once.
  const fromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  process.on('SIGINT', function () {
    if (!fromTerminal) child.kill('SIGINT')
  })
  process.on('SIGTERM', function () {
    child.kill('SIGTERM')
  })
  process.on('SIGHUP', function () {
    child.kill('SIGHUP')
  })
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code === null ? 1 : code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
