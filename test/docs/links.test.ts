import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { filesBelow, read, root } from '../support/tree.ts'

const pages = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', ...filesBelow('docs', '.md')]

/** Without what stands in fences: that is no Markdown. */
const prose = (text: string): string => text.replaceAll(/^```[^]*?^```$/gm, '')

/** What a forge makes of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')

const anchorsOf = (page: string): readonly string[] => [...prose(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading ?? ''))

function brokenLinks(page: string, text: string): string[] {
  const targets = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '').filter((target) => !/^[a-z]+:/.test(target))
  return targets.filter((target) => {
    const [file = '', heading] = target.split('#')
    const to = file === '' ? page : join(dirname(page), file)
    if (!existsSync(join(root, to))) return true
    return heading !== undefined && !anchorsOf(to).includes(heading)
  })
}

/** Files and folders of the project that a page names, as words of code. */
function filesThatAreNotThere(text: string): string[] {
  const named = [...prose(text).matchAll(/`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs|cjs|md|yaml))`/g)].map(([, name]) => name ?? '')
  const made = new Set(['turnout.yaml'])
  const places = ['', 'src', 'src/turn', 'docs']
  return named.filter((name) => !made.has(name) && !places.some((place) => existsSync(join(root, place, name))))
}

test('there are pages', () => expect(pages.length).toBeGreaterThan(8))

describe.each(pages)('%s', (page) => {
  test('links to what is there', () => expect(brokenLinks(page, read(page))).toEqual([]))
  test('names files that are there', () => expect(filesThatAreNotThere(read(page))).toEqual([]))
})

describe('a link', () => {
  test('to a file or a heading that is not there is seen', () => {
    expect(brokenLinks('README.md', '[a](gone.md) [b](docs/failures.md#gone) [c](#two-commands) [d](https://example.com) [e](docs/failures.md)')).toEqual([
      'gone.md',
      'docs/failures.md#gone',
    ])
  })
  test('inside a fence is none, and a file that is not there is seen', () => {
    expect(brokenLinks('README.md', '```text\n[a](gone.md)\n```')).toEqual([])
    expect(filesThatAreNotThere('`turn/gone.ts` and `turn/run-turn.ts`')).toEqual(['turn/gone.ts'])
  })
})
