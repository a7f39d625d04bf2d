import { http2Frame, http2Preface } from "./server.ts";

// Types, flags and settings of frames (RFC 9113, section 6).
const types = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, continuation: 9 };
const endStreamFlag = 1;
const endHeadersFlag = 4;
const initialWindowSize = 4;

/** What an HTTP/2 client sends first. Responses get no window where that is what it asks for. */
export function opening({ window = 65_535 } = {}): Buffer {
  const setting = [0, initialWindowSize, 0, 0, window >> 8, window & 0xff];
  return Buffer.concat([http2Preface, http2Frame(types.settings, 0, 0, setting)]);
}

/** The headers of a request in HPACK (RFC 7541), none of them in the dynamic table. */
function requestHeaders(path: string): number[] {
  const literal = (index: number, value: string) => [index, value.length, ...Buffer.from(value)];
  const [get, http] = [0x82, 0x86];
  return [get, http, ...literal(4, path), ...literal(1, "localhost")];
}

/** A GET; unless it ends, a body may follow. */
export function request(stream: number, path: string, { ends = true } = {}): Buffer {
  const flags = endHeadersFlag | (ends ? endStreamFlag : 0);
  return http2Frame(types.headers, flags, stream, requestHeaders(path));
}

export function reset(stream: number): Buffer {
  const cancel = [0, 0, 0, 8];
  return http2Frame(types.rstStream, 0, stream, cancel);
}

export function emptyData(stream: number): Buffer {
  return http2Frame(types.data, 0, stream, []);
}

export function settings(): Buffer {
  return http2Frame(types.settings, 0, 0, []);
}

export function ping(): Buffer {
  return http2Frame(types.ping, 0, 0, Array(8).fill(0));
}

/** The beginning of a request whose headers go on. */
export function headersThatGoOn(stream: number, path: string): Buffer {
  return http2Frame(types.headers, endStreamFlag, stream, requestHeaders(path));
}

/** More headers of the request, and more to come: as many as a text of the length takes. */
export function continuation(stream: number, length: number): Buffer {
  const header = [0, 1, ...Buffer.from("a"), 0x7f, length - 127, ...Array(length).fill(0x61)];
  return http2Frame(types.continuation, 0, stream, length === 0 ? [] : header);
}

/** A request with one long header, which it names again and again (an HPACK bomb). */
export function headerBomb(stream: number, path: string, times: number): Buffer {
  const length = 200;
  const first = [0x40, 1, ...Buffer.from("a"), 0x7f, length - 127, ...Array(length).fill(0x61)];
  const again = Array(times).fill(0xbe);
  const block = [...requestHeaders(path), ...first, ...again];
  return http2Frame(types.headers, endHeadersFlag | endStreamFlag, stream, block);
}
