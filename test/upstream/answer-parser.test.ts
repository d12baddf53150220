import { describe, expect, it } from 'vitest'
import { heard } from './heard.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const chunkedHead = `${ok}transfer-encoding: chunked\r\n\r\n`
const told = (text: string, ends: 'ends' | 'goes on' = 'goes on') => heard(Buffer.from(text, 'latin1'), [], ends)

describe('an answer in order', () => {
  const cases: readonly (readonly [what: string, text: string, body: string, how: string])[] = [
    ['with a length', `${ok}content-length: 2\r\n\r\nhi`, 'hi', 'clean'],
    ['with a length of nothing', `${ok}content-length: 0\r\n\r\n`, '', 'clean'],
    ['in chunks', `${chunkedHead}2\r\nhi\r\nA\r\n0123456789\r\n0\r\n\r\n`, 'hi0123456789', 'clean'],
    ['in chunks whose framing looks like data', `${chunkedHead}5\r\n0\r\n\r\n\r\n0\r\n\r\n`, '0\r\n\r\n', 'clean'],
    ['in chunks with extensions', `${chunkedHead}2;a=b;c="d e"\r\nhi\r\n0;x\r\n\r\n`, 'hi', 'clean'],
    ['in chunks with trailers', `${chunkedHead}2\r\nhi\r\n0\r\nx-sum: 1\r\ny:\r\n\r\n`, 'hi', 'clean'],
    ['in chunks, said with capitals and leading zeros', `${ok}Transfer-Encoding: Chunked\r\n\r\n0002\r\nhi\r\n000\r\n\r\n`, 'hi', 'clean'],
    ['without a reason', 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi', 'hi', 'clean'],
    ['with spaces and tabs round a value', `${ok}content-length: \t2 \t\r\n\r\nhi`, 'hi', 'clean'],
    ['behind interim heads', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok}content-length: 2\r\n\r\nhi`, 'hi', 'clean'],
    ['without a body, by its status 204', 'HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n', '', 'clean'],
    ['without a body, by its status 304', 'HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n', '', 'clean'],
    ['with bytes behind it that nobody asked for', `${ok}content-length: 2\r\n\r\nhi!`, 'hi', 'spilled'],
    ['in chunks with bytes behind it', `${chunkedHead}0\r\n\r\n${ok}`, '', 'spilled'],
    ['with bytes where no body may be', 'HTTP/1.1 204 No Content\r\n\r\nhi', '', 'spilled'],
  ]
  for (const [what, text, body, how] of cases) it(`is heard ${what}`, () => expect(told(text)).toMatchObject({ body, how }))

  it('lasts until the connection ends where nothing else is said', () => {
    expect(told(`${ok}\r\nhi`)).toMatchObject({ body: 'hi', how: 'open' })
    expect(told(`${ok}\r\nhi`, 'ends')).toMatchObject({ body: 'hi', how: 'clean' })
  })

  it('has all chunks of one read in one piece', () => {
    expect(told(`${chunkedHead}2\r\nhi\r\n1\r\n!\r\n2\r\nho\r\n0\r\n\r\n`)).toMatchObject({ body: 'hi!ho', pieces: 1 })
  })

  it('has its headers in lower case, joined where they stand twice, and no others', () => {
    const { head } = told(`${ok}A: 1\r\nB: 2\r\na: 3\r\nSet-Cookie: c\r\nset-cookie: d\r\nserver: x\r\nserver: y\r\n__proto__: p\r\nconstructor: q\r\n\r\n`)
    expect({ ...head?.headers }).toEqual({ a: '1, 3', b: '2', 'set-cookie': ['c', 'd'], server: 'x', ['__proto__']: 'p', constructor: 'q' })
  })

  const endings: readonly (readonly [version: string, headers: string, lasts: string, keptMs: number | null])[] = [
    ['1.1', '', 'kept', null],
    ['1.1', 'connection: keep-alive\r\nkeep-alive: timeout=5, max=100\r\n', 'kept', 5000],
    ['1.1', 'keep-alive: max=100\r\n', 'kept', null],
    ['1.1', 'connection: Close\r\nkeep-alive: timeout=5\r\n', 'closed', null],
    ['1.1', 'connection: x-a, close\r\n', 'closed', null],
    ['1.0', '', 'closed', null],
    ['1.0', 'connection: Keep-Alive\r\n', 'kept', null],
  ]
  for (const [version, headers, lasts, keptMs] of endings) {
    it(`of HTTP/${version} with ${JSON.stringify(headers)} leaves the connection ${lasts}`, () => {
      expect(told(`HTTP/${version} 200 OK\r\ncontent-length: 0\r\n${headers}\r\n`).head).toMatchObject({ lasts, keptMs })
    })
  }
})

describe('what is no answer, or could be read in two ways', () => {
  const line = (header: string) => `${ok}${header}\r\n\r\n`
  const cases: readonly (readonly [what: string, text: string])[] = [
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['an old version', 'HTTP/0.9 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1  OK\r\n\r\n'],
    ['a line break before it', `\r\n${ok}\r\n`],
    ['a line without a colon', line('nonsense')],
    ['a header without a name', line(': x')],
    ['a space before the colon', line('content-length : 2')],
    ['a folded line', line('x: a\r\n b')],
    ['a folded line that hides a header', line('x: a\r\n\tcontent-length: 2')],
    ['a space inside a name', line('a b: c')],
    ['a name that is no token', line('a(b): c')],
    ['a name beyond ASCII', line('\xe9: c')],
    ['a bare line feed', line('a: b\ncontent-length: 5')],
    ['a bare carriage return', line('a: b\rcontent-length: 5')],
    ['a bare line feed after the status', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'],
    ['NUL in a value', line('a: b\0c')],
    ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
    ['DEL in a value', line('a: \x7f')],
    ['two lengths', line('content-length: 2\r\ncontent-length: 3')],
    ['one length twice', line('content-length: 2\r\nContent-Length: 2')],
    ['a list of lengths', line('content-length: 2, 2')],
    ['a length with a sign', line('content-length: +2')],
    ['a length below nothing', line('content-length: -2')],
    ['a length that is hexadecimal', line('content-length: 0x2')],
    ['an empty length', line('content-length:')],
    ['a length beyond all numbers', line('content-length: 99999999999999999999')],
    ['a length and chunks', line('content-length: 2\r\ntransfer-encoding: chunked')],
    ['chunks and a length', line('transfer-encoding: chunked\r\ncontent-length: 2')],
    ['a coding on top of chunks', line('transfer-encoding: gzip, chunked')],
    ['chunks twice', line('transfer-encoding: chunked\r\ntransfer-encoding: chunked')],
    ['another transfer coding', line('transfer-encoding: identity')],
    ['an empty transfer coding', line('transfer-encoding:')],
    ['something like chunks', line('transfer-encoding: xchunked')],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n'],
    ['a chunk without a size', `${chunkedHead}\r\nhi`],
    ['a size that is no number', `${chunkedHead}g\r\n`],
    ['a size with a sign', `${chunkedHead}+2\r\nhi`],
    ['a size with a prefix', `${chunkedHead}0x2\r\nhi`],
    ['a space before the size', `${chunkedHead} 2\r\nhi`],
    ['a space after the size', `${chunkedHead}2 \r\nhi`],
    ['a size beyond all numbers', `${chunkedHead}fffffffffffff\r\n`],
    ['a size that ends in a bare line feed', `${chunkedHead}2\nhi`],
    ['a size that ends in a bare carriage return', `${chunkedHead}2\rhi`],
    ['a chunk longer than its size', `${chunkedHead}2\r\nhi!\r\n`],
    ['a chunk that ends in a bare line feed', `${chunkedHead}2\r\nhi\n0\r\n\r\n`],
    ['a chunk that ends in a bare carriage return', `${chunkedHead}2\r\nhi\r0\r\n\r\n`],
    ['a line feed in an extension', `${chunkedHead}2;a\nhi`],
    ['NUL in an extension', `${chunkedHead}2;\0\r\nhi`],
    ['a bare line feed in a trailer', `${chunkedHead}0\r\na: b\n\r\n`],
    ['a trailer without a colon', `${chunkedHead}0\r\nab\r\n\r\n`],
    ['a trailer without a name', `${chunkedHead}0\r\n: b\r\n\r\n`],
    ['a folded trailer', `${chunkedHead}0\r\na: b\r\n c: d\r\n\r\n`],
    ['NUL in a trailer', `${chunkedHead}0\r\na: \0\r\n\r\n`],
    ['a last line that ends in a bare carriage return', `${chunkedHead}0\r\n\rx`],
  ]
  for (const [what, text] of cases) {
    it(`is malformed: ${what}`, () => {
      const bytes = Buffer.from(text, 'latin1')
      expect(heard(bytes, []).how).toBe('malformed')
      const everywhere = Array.from(bytes, (_, at) => at)
      expect(heard(bytes, everywhere).how).toBe('malformed')
    })
  }
})

describe('what an upstream cannot make us keep', () => {
  const filler = (bytes: number) => 'x'.repeat(bytes)
  const cases: readonly (readonly [what: string, text: string, how: string])[] = [
    ['a head of 16 KiB', `${ok}a: ${filler(16_300)}\r\ncontent-length: 0\r\n\r\n`, 'clean'],
    ['a larger head', `${ok}a: ${filler(16_400)}\r\ncontent-length: 0\r\n\r\n`, 'malformed'],
    ['a larger head that has not ended', `${ok}a: ${filler(16_400)}`, 'malformed'],
    ['256 headers', `${ok}${'a: b\r\n'.repeat(255)}content-length: 0\r\n\r\n`, 'clean'],
    ['more headers', `${ok}${'a: b\r\n'.repeat(256)}content-length: 0\r\n\r\n`, 'malformed'],
    ['16 interim heads', `${'HTTP/1.1 103 Early\r\n\r\n'.repeat(16)}${ok}content-length: 0\r\n\r\n`, 'clean'],
    ['more interim heads', `${'HTTP/1.1 103 Early\r\n\r\n'.repeat(17)}${ok}content-length: 0\r\n\r\n`, 'malformed'],
    ['16 KiB of extensions', `${chunkedHead}0;${filler(16 * 1024)}\r\n\r\n`, 'clean'],
    ['more extensions', `${chunkedHead}0;${filler(16 * 1024 + 1)}\r\n\r\n`, 'malformed'],
    ['16 KiB of trailers', `${chunkedHead}0\r\n${`a:${filler(1023)}\r\n`.repeat(16)}\r\n`, 'clean'],
    ['more trailers', `${chunkedHead}0\r\n${`a:${filler(1023)}\r\n`.repeat(17)}\r\n`, 'malformed'],
  ]
  for (const [what, text, how] of cases) it(`${how === 'clean' ? 'is heard' : 'is malformed'}: ${what}`, () => expect(told(text).how).toBe(how))

  it('has extensions counted for each chunk, not for the whole answer', () => {
    expect(told(`${chunkedHead}${`1;${filler(10_000)}\r\nx\r\n`.repeat(3)}0\r\n\r\n`)).toMatchObject({ body: 'xxx', how: 'clean' })
  })
})
