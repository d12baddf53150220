// `npm pack` calls this before and after: what is packed and not kept in the repository is made, then taken away.
import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bin/launch.mjs'

const shrinkwrap = join(root, 'npm-shrinkwrap.json')

if (process.argv[2] === 'before') {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const compiler = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')
  const built = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
  if (built.status !== 0) process.exit(1)
  // npm leaves package-lock.json out of the tarball; under this name it goes along and is obeyed.
  copyFileSync(join(root, 'package-lock.json'), shrinkwrap)
} else {
  rmSync(shrinkwrap, { force: true })
}
