import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { nodesOf, parse } from '../support/syntax.ts'
import { filesBelow } from '../support/tree.ts'

const fileLinesMax = 300
const functionLinesMax = 70
const parametersMax = 4

/** What is over a limit today, and by how much. A row may shrink and vanish; it never grows, and none is added lightly: its file says at its top what was bought. */
const known: Readonly<Record<string, number>> = {}

interface Size {
  readonly what: string
  readonly size: number
  readonly limit: number
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (node.name !== undefined) return node.name.getText()
  const { parent } = node
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent) ? parent.name.getText() : 'a function'
}

function sizesOf(file: string, text?: string): Size[] {
  const source = parse(file, text)
  const lineOf = (at: number) => source.getLineAndCharacterOfPosition(at).line
  const lines = source.text.trimEnd().split('\n').length
  const sizes: Size[] = [{ what: `${file}: lines`, size: lines, limit: fileLinesMax }]
  for (const node of nodesOf(source)) {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) continue
    const name = `${file}: ${nameOf(node)}`
    sizes.push({ what: `${name}: lines`, size: lineOf(node.end) - lineOf(node.getStart(source)) + 1, limit: functionLinesMax })
    sizes.push({ what: `${name}: parameters`, size: node.parameters.length, limit: parametersMax })
  }
  return sizes
}

/** What is too big, once each: the biggest of those that share a name. */
function tooBig(sizes: readonly Size[]): Map<string, number> {
  const over = new Map<string, number>()
  for (const { what, size, limit } of sizes) if (size > limit) over.set(what, Math.max(size, over.get(what) ?? 0))
  return over
}

const files = [...filesBelow('src'), ...filesBelow('bin', '.mjs'), ...filesBelow('scripts', '.mjs')]
const over = tooBig(files.flatMap((file) => sizesOf(file)))

test(`no file grows over ${fileLinesMax} lines, no function over ${functionLinesMax} lines or ${parametersMax} parameters`, () => {
  const grown = [...over].filter(([what, size]) => size > (known[what] ?? 0)).map(([what, size]) => `${what}: ${size}`)
  expect(grown).toEqual([])
})

test('what has shrunk below its limit leaves the table of exceptions', () => {
  expect(Object.keys(known).filter((what) => !over.has(what))).toEqual([])
})

describe('the measure', () => {
  const statements = (count: number) => 'void 0\n'.repeat(count)

  test.each([
    ['a file at the limit is well', statements(300), []],
    ['a file one line over is seen', statements(301), ['a.ts: lines']],
    ['a function at the limit is well', `function f() {\n${statements(68)}}`, []],
    ['a function one line over is seen', `function f() {\n${statements(69)}}`, ['a.ts: f: lines']],
    ['so is an arrow function', `const f = () => {\n${statements(69)}}`, ['a.ts: f: lines']],
    ['so is a method', `class C {\nm() {\n${statements(69)}}\n}`, ['a.ts: m: lines']],
    ['four parameters are well', 'function f(a, b, c, d) {}', []],
    ['five parameters are seen', 'function f(a, b, c, d, e) {}', ['a.ts: f: parameters']],
    ['a doc comment does not count', `/**\n${' *\n'.repeat(50)} */\nfunction f() {\n${statements(60)}}`, []],
  ])('%s', (_title, text, found) => {
    expect([...tooBig(sizesOf('a.ts', text)).keys()]).toEqual(found)
  })
})
