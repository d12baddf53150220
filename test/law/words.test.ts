import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { commentsOf, nodesOf, parse, placeOf } from '../support/syntax.ts'
import { filesBelow, read, trackedFiles } from '../support/tree.ts'

const sources = [...filesBelow('src'), ...filesBelow('bin', '.mjs'), ...filesBelow('scripts', '.mjs')]

/** Words that say nothing about the thing that they name. */
const emptyWord = /(?:^|[a-z0-9])(Manager|Helper|Util|Utils|Service|Handler|Data|Info)(?=[A-Z0-9]|$)/

function emptyTypeNames(file: string, text?: string): string[] {
  const source = parse(file, text)
  return [...nodesOf(source)].flatMap((node) => {
    const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node)
    return isType && emptyWord.test(node.name?.text ?? '') ? [`${placeOf(source, node)} ${node.name?.text}`] : []
  })
}

function globalFetches(file: string, text?: string): string[] {
  const source = parse(file, text)
  return [...nodesOf(source)].flatMap((node) => {
    const called = ts.isCallExpression(node) ? node.expression.getText() : ''
    return called === 'fetch' || called === 'globalThis.fetch' ? [placeOf(source, node)] : []
  })
}

function issueNumbers(file: string, text?: string): string[] {
  const source = parse(file, text)
  return commentsOf(source).flatMap((comment) => (/(?<![\w&/])#\d+\b/.test(comment.text) ? [`${file}:${comment.line}`] : []))
}

test('no type is named by an empty word', () => {
  expect(sources.flatMap((file) => emptyTypeNames(file))).toEqual([])
})

test('the global fetch is called nowhere', () => {
  expect(sources.flatMap((file) => globalFetches(file))).toEqual([])
})

test('comments name no issues', () => {
  expect(sources.flatMap((file) => issueNumbers(file))).toEqual([])
})

describe('what is in the repository', () => {
  const text = /\.(?:ts|tsx|mjs|cjs|js|json|md|ya?ml|sh|css|html|service|conf)$|(?:^|\/)(?:run|LICENSE|\.\w+)$/
  const tracked = (trackedFiles() ?? []).filter((file) => text.test(file))

  /** Lines of tracked files that hold what they must not. The patterns are put together so that this file does not hold them itself. */
  const linesWith = (pattern: RegExp): string[] =>
    tracked.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1} ${line.trim().slice(0, 80)}`] : [])),
    )

  test.skipIf(trackedFiles() === null)('names no folder of the machine on which it was written', () => {
    expect(linesWith(new RegExp(`(?<![\\w.~])/(?:${['work', 'home', 'root', 'Users'].join('|')})/\\w`))).toEqual([])
  })

  test('names no host of a package registry', () => {
    expect(linesWith(new RegExp(['registry\\.(?:npm', 'js|yarn', 'pkg)|https?://regi', 'stry\\.'].join('')))).toEqual([])
  })

  test('locks versions and hashes, not addresses', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"')
  })

  test('names each dependency in one exact version', () => {
    const { dependencies, optionalDependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
    const versions = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies })
    expect(versions.filter(([, version]) => !/^(?:npm:.+@)?\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })

  test('switches no test off without saying why', () => {
    const off = /\b(?:it|test|describe)\.(?:skip|only|todo)\(/
    const tests = filesBelow('test').filter((file) =>
      read(file)
        .split('\n')
        .some((line) => off.test(line)),
    )
    expect(tests).toEqual([])
  })
})

describe('the words', () => {
  test.each([
    ['a manager is seen', 'class AccountManager {}', ['a.ts:1 AccountManager']],
    ['a plain info is seen', 'interface Info {}', ['a.ts:1 Info']],
    ['metadata is a word of its own', 'type Metadata = 1', []],
    ['a handled turn is no handler', 'type HandledTurn = 1', []],
  ])('%s', (_title, text, found) => {
    expect(emptyTypeNames('a.ts', text)).toEqual(found)
  })

  test('a call of the global fetch is seen, a method of that name is not', () => {
    expect(globalFetches('a.ts', `app.fetch(request)\nawait fetch('x')`)).toEqual(['a.ts:2'])
  })

  test('an issue in a comment is seen, a private member and an entity are not', () => {
    expect(issueNumbers('a.ts', `class A { #b = 1 }\n// see #12\n/* &#39; */\nconst c = '#12'`)).toEqual(['a.ts:2'])
  })
})
