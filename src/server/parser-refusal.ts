import { refusal, type Refusal } from '../core/refusal.ts'

/** What the HTTP parser would not take, or what did not come in time, in the words of the catalogue. */
export function parserRefusal(error: NodeJS.ErrnoException): Refusal {
  switch (error.code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return refusal('headers_too_large', 'The request line and headers are larger than what is taken here.')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return refusal('body_too_large', 'The chunk extensions of the request body are larger than what is taken here.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusal('request_timeout', 'The request did not arrive in time.')
    default:
      return refusal('invalid_body', 'This is not a well-formed HTTP/1.1 request.')
  }
}
