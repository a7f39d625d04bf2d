import http from "node:http";
import http2 from "node:http2";
import type { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";

/** Headers as they are sent, each a name and a value; a name may be there twice. */
export type SentHeaders = readonly (readonly [name: string, value: string])[];

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: SentHeaders;
  readonly body: Uint8Array;
  /** How many bytes of the body are sent at a time; absent: all. */
  readonly pieceBytes?: number;
}

export interface Answered {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly trailers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends exactly what is said, and answers what comes back, over either version of HTTP. */
export const exchanges = {
  async "HTTP/1.1"(url: string, { method, path, headers, ...content }: Sent): Promise<Answered> {
    const told = (name: RegExp) => headers.some(([each]) => name.test(each));
    const length = told(/^(content-length|transfer-encoding)$/i)
      ? []
      : ["Content-Length", `${content.body.byteLength}`];
    const call = http.request(`${url}${path}`, {
      method,
      agent: false,
      headers: ["Host", new URL(url).host, ...length, ...headers.flat()],
    });
    return await new Promise((resolve, reject) => {
      call.on("error", reject).once("response", (response) => {
        buffer(response).then((read) => {
          const { statusCode: status, headers: answered, trailers } = response;
          resolve({ status, headers: answered, trailers, body: read });
        }, reject);
      });
      void sendBody(call, content);
    });
  },

  async "HTTP/2"(url: string, { method, path, headers, ...content }: Sent): Promise<Answered> {
    // Lets Node send a field twice that must come once. Its types have it for servers only.
    const options: http2.ClientSessionOptions & { strictSingleValueFields: boolean } = {
      strictSingleValueFields: false,
    };
    const session = http2.connect(url, options);
    try {
      return await new Promise((resolve, reject) => {
        session.on("error", reject);
        const lines = headers.flatMap(([name, value]) => [name.toLowerCase(), value]);
        const stream = session.request([":method", method, ":path", path, ...lines], {
          endStream: false,
        });
        let trailers: http.IncomingHttpHeaders = {};
        stream.once("trailers", (last) => {
          trailers = last;
        });
        stream.on("error", reject).once("response", (answered) => {
          buffer(stream).then((read) => {
            const status = answered[":status"];
            resolve({ status, headers: answered, trailers: { ...trailers }, body: read });
          }, reject);
        });
        void sendBody(stream, content);
      });
    } finally {
      session.destroy();
    }
  },
};

/** Sends each piece as a frame or a chunk of its own, for which it waits until the one before is on its way. */
async function sendBody(
  out: Writable,
  { body, pieceBytes = body.byteLength }: Pick<Sent, "body" | "pieceBytes">,
): Promise<void> {
  let rest = body;
  for (; rest.byteLength > pieceBytes; rest = rest.subarray(pieceBytes)) {
    const piece = rest.subarray(0, pieceBytes);
    // Whoever refuses the body may have no more of it: its answer tells.
    await new Promise<void>((resolve) => out.write(piece, () => resolve()));
  }
  out.end(rest);
}

/** A message with its flags and its length in front, as gRPC has it; the length may lie. */
export function envelope(message: Uint8Array, flags = 0, length = message.byteLength): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}
