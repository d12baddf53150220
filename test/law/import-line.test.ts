import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cruise, type ICruiseOptions, type ICruiseResult, type IFlattenedRuleSet } from 'dependency-cruiser'
import { afterAll, describe, expect, test } from 'vitest'
import { root } from '../support/tree.ts'

const { options, ...rules } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as IFlattenedRuleSet & { options: ICruiseOptions }

/** Each forbidden import below `folder`, as `rule: from -> to`. */
async function forbidden(folder: string): Promise<string[]> {
  const { output } = await cruise(['src'], { ...options, tsConfig: {}, baseDir: folder, ruleSet: rules, validate: true })
  return (output as ICruiseResult).summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)
}

test('what src imports follows the import line', async () => {
  expect(await forbidden(root)).toEqual([])
})

describe('the import line', () => {
  const folders: string[] = []
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

  const tree = (files: Readonly<Record<string, string>>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'turnout law-'))
    folders.push(folder)
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return folder
  }

  const from = (file: string) => `import type { X } from '${file}'\nexport type Y = X\n`
  const x = 'export type X = 1\n'
  const cases: readonly (readonly [title: string, files: Readonly<Record<string, string>>, found: readonly string[]])[] = [
    ['lets a layer import a lower one', { 'src/turn/a.ts': from('../core/b.ts'), 'src/core/b.ts': x }, []],
    ['forbids the way up', { 'src/core/b.ts': from('../turn/a.ts'), 'src/turn/a.ts': x }, ['import-line-of-core: src/core/b.ts -> src/turn/a.ts']],
    ['forbids siblings', { 'src/turn/a.ts': from('../pool/b.ts'), 'src/pool/b.ts': x }, ['import-line-of-turn: src/turn/a.ts -> src/pool/b.ts']],
    ['lets the simulator import lib', { 'src/simulator/a.ts': from('../lib/b.ts'), 'src/lib/b.ts': x }, []],
    [
      'keeps the dialects from the simulator',
      { 'src/simulator/a.ts': from('../dialect/b.ts'), 'src/dialect/b.ts': x },
      ['import-line-of-simulator: src/simulator/a.ts -> src/dialect/b.ts'],
    ],
    ['lets app import config', { 'src/app.ts': from('./config/b.ts'), 'src/config/b.ts': x }, []],
    [
      'keeps config from the parts',
      { 'src/server/a.ts': from('../config/b.ts'), 'src/config/b.ts': x },
      ['import-line-of-server: src/server/a.ts -> src/config/b.ts'],
    ],
    [
      'knows no folder that it does not name',
      { 'src/misc/a.ts': from('../lib/b.ts'), 'src/lib/b.ts': x },
      ['every-place-is-on-the-line: src/misc/a.ts -> src/lib/b.ts'],
    ],
    [
      'forbids circles',
      { 'src/core/a.ts': from('./b.ts'), 'src/core/b.ts': `import type { Y } from './a.ts'\nexport type X = Y\n` },
      ['no-circle: src/core/a.ts -> src/core/b.ts'],
    ],
    [
      'keeps sockets out of the pipeline',
      { 'src/turn/a.ts': `import http from 'node:http'\nexport const a = http\n` },
      ['owners-of-the-network: src/turn/a.ts -> http'],
    ],
    ['keeps I/O out of core', { 'src/core/a.ts': `import os from 'node:os'\nexport const a = os\n` }, ['pure: src/core/a.ts -> os']],
  ]
  test.each(cases)('%s', async (_title, files, found) => {
    expect((await forbidden(tree(files))).toSorted()).toEqual(found)
  })
})
