import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { nodesOf, parse, placeOf } from '../support/syntax.ts'
import { filesBelow } from '../support/tree.ts'

/** The world, as it is reached without an import. */
const world = new Set(
  (
    'process console performance crypto globalThis global fetch WebSocket queueMicrotask Promise AbortController AbortSignal EventTarget Atomics ' +
    'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate require navigator localStorage'
  ).split(' '),
)
/** What of Node a decision may use: arithmetic on bytes. */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  'node:buffer': ['Buffer'],
  'node:crypto': ['createHash', 'hash'],
}
const dateFunctions = new Set(['parse', 'UTC'])

/** Whether this name is the variable of that name, and not a member, a declaration or a type. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent)) return false
  if (ts.isShorthandPropertyAssignment(parent)) return true
  const named = 'name' in parent ? parent.name : undefined
  return named !== node && !(ts.isBindingElement(parent) && parent.propertyName === node)
}

/** Reading an instant that someone else gave is arithmetic; asking what time it is now is not. */
function readsTheClock(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isNewExpression(parent)) return parent.expression === node && (parent.arguments?.length ?? 0) === 0
  return !(ts.isPropertyAccessExpression(parent) && dateFunctions.has(parent.name.text))
}

function impurityOf(node: ts.Node): string | null {
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined)) return 'waits'
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'is async'
  if (ts.isImportDeclaration(node)) return impureImport(node)
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return 'imports at run time'
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') return 'rolls dice'
  if (!ts.isIdentifier(node) || !isReference(node)) return null
  if (node.text === 'Date') return readsTheClock(node) ? 'reads the clock' : null
  return world.has(node.text) ? `uses ${node.text}` : null
}

function impureImport(node: ts.ImportDeclaration): string | null {
  const from = (node.moduleSpecifier as ts.StringLiteral).text
  if (from.startsWith('.') || node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return null
  const bindings = node.importClause?.namedBindings
  const named =
    bindings !== undefined && ts.isNamedImports(bindings)
      ? bindings.elements.filter((element) => !element.isTypeOnly).map((element) => (element.propertyName ?? element.name).text)
      : null
  const allowed = allowedImports[from]
  const isAllowed = allowed !== undefined && named !== null && node.importClause?.name === undefined && named.every((name) => allowed.includes(name))
  return isAllowed ? null : `imports from ${from}`
}

function impurities(file: string, text?: string): string[] {
  const source = parse(file, text)
  return [...nodesOf(source)].flatMap((node) => {
    const impurity = impurityOf(node)
    return impurity === null ? [] : [`${placeOf(source, node)} ${impurity}`]
  })
}

test('core and dialect do no I/O, read no clock and roll no dice', () => {
  const files = [...filesBelow('src/core'), ...filesBelow('src/dialect')]
  expect(files.length).toBeGreaterThan(0)
  expect(files.flatMap((file) => impurities(file))).toEqual([])
})

/** The one file that reads the wall clock, sets timers and rolls dice. */
const clock = 'src/lib/clock.ts'
const timers = new Set(['setTimeout', 'setInterval', 'performance'])

function unofferedTime(file: string, text?: string): string[] {
  const source = parse(file, text)
  return [...nodesOf(source)].flatMap((node) => {
    if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') return [`${placeOf(source, node)} rolls dice`]
    if (!ts.isIdentifier(node) || !isReference(node)) return []
    if (node.text === 'Date' && readsTheClock(node)) return [`${placeOf(source, node)} reads the clock`]
    return timers.has(node.text) ? [`${placeOf(source, node)} uses ${node.text}`] : []
  })
}

test(`time and chance come from ${clock} alone, as arguments`, () => {
  expect(unofferedTime(clock).length).toBeGreaterThan(0)
  const others = filesBelow('src').filter((file) => file !== clock)
  expect(others.flatMap((file) => unofferedTime(file))).toEqual([])
})

describe('what counts as impure', () => {
  test.each([
    ['waiting', 'const f = (x: unknown) => { for await (const y of x as never) void y }', ['a.ts:1 waits']],
    ['a function that promises', 'async function f() {}', ['a.ts:1 is async']],
    ['now', 'const a = Date.now()', ['a.ts:1 reads the clock']],
    ['now, as an object', 'const a = new Date()', ['a.ts:1 reads the clock']],
    ['now, handed on', 'const clock = Date', ['a.ts:1 reads the clock']],
    ['chance', 'const a = Math.random()', ['a.ts:1 rolls dice']],
    ['a timer', 'setTimeout(() => {}, 1)', ['a.ts:1 uses setTimeout']],
    ['the environment', 'const a = process.env.HOME', ['a.ts:1 uses process']],
    ['a print', 'console.log(1)', ['a.ts:1 uses console']],
    ['random bytes', `import { randomBytes } from 'node:crypto'`, ['a.ts:1 imports from node:crypto']],
    ['a file', `import { readFileSync } from 'node:fs'`, ['a.ts:1 imports from node:fs']],
    ['an import at run time', `const a = import('./b.ts')`, ['a.ts:1 imports at run time']],
  ])('%s', (_title, text, found) => {
    expect(impurities('a.ts', text)).toEqual(found)
  })

  test.each([
    ['an instant that was given', 'const a = new Date(1).toISOString() + Date.parse(b)'],
    ['a hash', `import { createHash } from 'node:crypto'`],
    ['a type of the world', `import type { Readable } from 'node:stream'`],
    ['a member that only has such a name', 'const a = turn.process + { console: 1 }.console; interface B { readonly fetch: string }'],
  ])('%s does not', (_title, text) => {
    expect(impurities('a.ts', text)).toEqual([])
  })
})
