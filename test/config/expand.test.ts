import { describe, expect, it } from 'vitest'
import { base, configurationOf, problemsOf } from './files.ts'

const data = (written: string, environment: Readonly<Record<string, string>>) => configurationOf(`${base}data: ${written}\n`, environment).data

describe('a variable', () => {
  const cases: readonly (readonly [title: string, written: string, environment: Readonly<Record<string, string>>, value: string])[] = [
    ['stands for its value', '"${A}"', { A: 'x' }, 'x'],
    ['may stand inside other text, more than once', 'a/${A}/${B}', { A: 'x', B: 'y' }, 'a/x/y'],
    ['gives way to its default where it is unset', '"${A:-y}"', {}, 'y'],
    ['gives way to its default where it is empty', '"${A:-y}"', { A: '' }, 'y'],
    ['wins over its default', '"${A:-y}"', { A: 'x' }, 'x'],
    ['is not expanded twice', '"${A}"', { A: '${B}', B: 'no' }, '${B}'],
    ['is written out as $${', '"$${A}"', { A: 'x' }, '${A}'],
    ['needs braces', '"$A"', { A: 'x' }, '$A'],
    ['cannot add a line', '"${A}"', { A: 'x\nserver:\n  port: 1' }, 'x\nserver:\n  port: 1'],
    ['cannot end its quotes', '"${A}"', { A: '", port: "1' }, '", port: "1'],
    ['stays text where text is wanted', '${A}', { A: '12' }, '12'],
  ]
  for (const [title, written, environment, value] of cases) it(title, () => expect(data(written, environment)).toBe(value))

  it('becomes a number where a number is wanted', () => expect(configurationOf(`${base}server: { port: "\${PORT}" }\n`, { PORT: '99' }).server.port).toBe(99))
  it('becomes a truth where a truth is wanted', () => {
    expect(configurationOf(base.replace('simulator', 'simulator, only_mapped: "${ONLY}"'), { ONLY: 'true' }).accounts[0]?.only_mapped).toBe(true)
  })
  it('is expanded through an anchor', () => {
    const text = 'accounts: [{ name: &n "${N}", upstream: simulator }]\npools: [{ name: p, accounts: [*n] }]\n'
    expect(configurationOf(text, { N: 'main' }).pools[0]?.accounts).toEqual(['main'])
  })
  it('is not expanded in a name before ":"', () => {
    expect(configurationOf(base.replace('simulator', 'simulator, models: { "${A}": b }'), { A: 'x' }).accounts[0]?.models).toEqual({ '${A}': 'b' })
  })
})

describe('a variable that is wrong', () => {
  const cases: readonly (readonly [title: string, text: string, environment: Readonly<Record<string, string>>, problem: string])[] = [
    [
      'is unset',
      `${base}data: "\${A}"\n`,
      {},
      't.yaml:3:7: data needs ${A}, which is not set: expected it in the environment, or a default as in ${A:-default}',
    ],
    [
      'has no end',
      `${base}data: "\${A"\n`,
      { A: 'x' },
      't.yaml:3:7: data holds a "${" that is not followed by a name and "}": expected ${NAME} or ${NAME:-default}, or $${ for the two characters themselves',
    ],
    [
      'is no number',
      `${base}server: { port: "\${PORT}" }\n`,
      { PORT: 'hidden' },
      't.yaml:3:17: server.port comes from ${PORT}: expected a whole number from 0 to 65535',
    ],
    [
      'leaves a secret empty',
      `${base}keys: [{ name: k, key: "\${TURNOUT_KEY:-}", pools: [p] }]\n`,
      {},
      't.yaml:3:24: keys[0].key is empty, since ${TURNOUT_KEY} is not set: expected the text that clients send',
    ],
    [
      'holds a line break',
      `${base}keys: [{ name: k, key: "\${K}", pools: [p] }]\n`,
      { K: 'hidden\n' },
      't.yaml:3:24: keys[0].key holds a line break or a NUL: expected the text that clients send',
    ],
  ]
  for (const [title, text, environment, problem] of cases) it(title, () => expect(problemsOf(text, environment)).toEqual([problem]))
})
