// @ts-check
// Old syntax, as in `bin/launch.mjs`: what is wrong with the machine must be said by whatever Node is there.
import { spawnSync } from 'child_process'
import fs from 'fs'
import path from 'path'
import { checkStartingNode, giveUp, root } from '../bin/launch.mjs'

/** What npm's codes mean for someone who only typed `npm start`. */
const meanings = [
  {
    codes: /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR|ENOTCACHED)\b/,
    say: 'the package registry cannot be reached from this machine. Check the network (behind a proxy: `npm config set proxy`, `npm config set https-proxy`)',
  },
  {
    codes: /\b(\w*CERT\w*|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\b/,
    say: "the package registry's certificate is not trusted here, as behind a proxy that opens TLS. Give npm that proxy's certificate (`npm config set cafile`)",
  },
  { codes: /\b(EACCES|EPERM|EROFS)\b/, say: 'a file or folder may not be written by this user. Look at who owns this folder and ~/.npm' },
  { codes: /\b(ENOSPC|EDQUOT)\b/, say: 'the disk is full (about 300 MB are needed)' },
  { codes: /\b(E401|E403|E407)\b/, say: 'the package registry, or a proxy in front of it, wants a sign-in. Look at `npm config list`' },
  { codes: /\b(E404|ETARGET)\b/, say: 'the package registry does not have a version that Turnout needs. Look at `npm config get registry`' },
  {
    codes: /\bEINTEGRITY\b/,
    say: 'a package that came is not the one that the lock file names. Run `npm cache clean --force`; if it stays, something between here and the registry alters packages',
  },
  { codes: /\bEUSAGE\b/, say: 'package.json and package-lock.json do not fit each other. Undo your changes to them, or run `npm install --ignore-scripts`' },
]

/**
 * Why npm failed, in one sentence. Its own code decides; without one, its own last words are repeated.
 * @param {string} output
 */
export function whyInstallFailed(output) {
  const lines = output
    .split('\n')
    .filter(function (line) {
      return /^npm (error|ERR!)/.test(line)
    })
    .map(function (line) {
      return line.replace(/^npm (error|ERR!) ?/, '').trim()
    })
  const code = lines.find(function (line) {
    return line.startsWith('code ')
  })
  const known = meanings.find(function (meaning) {
    return code !== undefined && meaning.codes.test(code)
  })
  const own = code === undefined || known === undefined ? lines.slice(-3).join(', ') : code
  return (known === undefined ? 'npm failed' : known.say) + '. (npm says: ' + (own === '' ? 'nothing' : own) + ')'
}

/**
 * Whether what is installed is what the lock file names. What the lock says of other platforms may be missing.
 * @param {string} folder
 */
export function isInStep(folder) {
  try {
    const wanted = packages(path.join(folder, 'package-lock.json'))
    const present = packages(path.join(folder, 'node_modules', '.package-lock.json'))
    return Object.entries(wanted).every(function ([place, locked]) {
      if (place === '') return true
      const there = present[place]
      if (there === undefined) return Boolean(locked.optional || locked.devOptional)
      return there.version === locked.version && there.integrity === locked.integrity
    })
  } catch {
    return false
  }
}

/** @param {string} file @returns {Record<string, { version: string, integrity: string, optional?: boolean, devOptional?: boolean }>} */
function packages(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8')).packages
}

/** Installs what is missing; ends the process with a sentence where this machine cannot. */
export function makeReady() {
  checkStartingNode()
  if (isInStep(root)) return
  const modules = path.join(root, 'node_modules')
  const readOnly = [root, modules].find(function (folder) {
    return fs.existsSync(folder) && !isWritable(folder)
  })
  if (readOnly !== undefined) {
    giveUp(
      1,
      'the packages must be installed, and the folder ' +
        readOnly +
        ' is not writable for this user. Make it writable, or copy Turnout to a folder of yours, and run the same command again.',
    )
  }
  process.stdout.write('turnout: installing the packages (once, about half a minute) ...\n')
  const startedMs = Date.now()
  const npm = npmCommand()
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--engine-strict=false',
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=2000',
  ]
  const run = spawnSync(npm.file, npm.args.concat(args), {
    cwd: root,
    env: npm.env,
    shell: npm.shell,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  })
  if (run.error !== undefined)
    giveUp(1, 'the packages could not be installed: npm did not start (' + run.error.message + '). Install npm, which comes with Node (https://nodejs.org).')
  if (run.status !== 0)
    giveUp(1, 'the packages could not be installed: ' + whyInstallFailed(run.stderr + '\n' + run.stdout) + ' Then run the same command again.')
  process.stdout.write('turnout: installed in ' + Math.round((Date.now() - startedMs) / 1000) + ' s\n')
}

/** @param {string} folder */
function isWritable(folder) {
  try {
    fs.accessSync(folder, fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The npm that called us, run by the machine's own Node: the pinned one lies in the folder that npm is about to replace.
 * @returns {{ file: string, args: string[], shell: boolean, env: NodeJS.ProcessEnv }}
 */
function npmCommand() {
  const env = Object.assign({}, process.env)
  const pathName = Object.keys(env).find(function (name) {
    return name.toUpperCase() === 'PATH'
  })
  if (pathName !== undefined) {
    env[pathName] = String(env[pathName])
      .split(path.delimiter)
      .filter(function (folder) {
        return folder.indexOf(path.join('node_modules', '.bin')) === -1
      })
      .join(path.delimiter)
  }
  const script = env.npm_execpath
  const node = env.npm_node_execpath
  if (script && node && /npm-cli\.c?js$/.test(script) && node.indexOf(path.join(root, 'node_modules')) === -1) {
    return { file: node, args: [script], shell: false, env: env }
  }
  return { file: 'npm', args: [], shell: process.platform === 'win32', env: env }
}
