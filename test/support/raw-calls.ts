import http from "node:http";
import http2 from "node:http2";
import { buffer } from "node:stream/consumers";
import { acme } from "./organizations.ts";
import { examplePartnerJson } from "./requests.ts";

const createPartnerPath = "/partner.v1.PartnerService/CreatePartner";

/** A header is a name and a value, and can be there twice, as no client library would send it. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

export interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http.IncomingHttpHeaders;
}

type Post = (
  url: string,
  headers: RawHeaders,
  body?: string | Uint8Array,
  other?: { readonly method?: string; readonly path?: string },
) => Promise<RawAnswer>;

const goodBody = JSON.stringify(examplePartnerJson);

/**
 * Posts to CreatePartner, or another path, over either version of HTTP, exactly what it is given.
 * Over HTTP/1.1 the host and the body's length are added, unless the headers tell them.
 */
export const rawPosts: Readonly<Record<"HTTP/1.1" | "HTTP/2", Post>> = {
  "HTTP/1.1": async (url, headers, body = goodBody, { method = "POST", path } = {}) => {
    const { host } = new URL(url);
    const told = (names: RegExp) => headers.some(([name]) => names.test(name));
    const added = [
      ...(told(/^host$/i) ? [] : ["Host", host]),
      ...(told(/^(content-length|transfer-encoding)$/i)
        ? []
        : ["Content-Length", `${Buffer.byteLength(body)}`]),
    ];
    const call = http.request(`${url}${path ?? createPartnerPath}`, {
      method,
      agent: false,
      headers: [...added, ...headers.flat()],
    });
    return await new Promise((resolve, reject) => {
      call.on("error", reject).once("response", (response) => {
        buffer(response).then((read) => {
          const { statusCode: status, headers: answered, trailers } = response;
          resolve({ status, headers: answered, body: read, trailers });
        }, reject);
      });
      call.end(body);
    });
  },

  "HTTP/2": async (url, headers, body = goodBody, { method = "POST", path } = {}) => {
    // Lets Node send a field twice that must come once. Its types have it for servers only.
    const options: http2.ClientSessionOptions & { strictSingleValueFields: boolean } = {
      strictSingleValueFields: false,
    };
    const session = http2.connect(url, options);
    try {
      return await new Promise((resolve, reject) => {
        session.on("error", reject);
        const stream = session.request(
          [
            ...[":method", method, ":path", path ?? createPartnerPath],
            ...headers.flatMap(([name, value]) => [name.toLowerCase(), value]),
          ],
          // Node ends a GET by itself, before a body could be sent.
          { endStream: false },
        );
        let trailers: http.IncomingHttpHeaders = {};
        stream.once("trailers", (last) => {
          trailers = last;
        });
        stream.on("error", reject).once("response", (response) => {
          buffer(stream).then((read) => {
            resolve({ status: response[":status"], headers: response, body: read, trailers });
          }, reject);
        });
        stream.end(body);
      });
    } finally {
      session.destroy();
    }
  },
};

/** The good headers of a call with JSON by acme in its own book. */
export function goodHeaders(token: string): [string, string][] {
  return [
    ["Content-Type", "application/json"],
    ["Authorization", `Bearer ${token}`],
    ["Requester-Organization-ID", acme],
    ["Target-Organization-ID", acme],
  ];
}

/** What an answer in Connect's JSON says: its status, and the code, reason and fields of an error. */
export function summarize({ status, body }: RawAnswer) {
  const json = JSON.parse(body.toString() || "{}");
  const [info, badRequest] = json.details ?? [];
  return {
    status,
    ...(json.code === undefined ? {} : { code: json.code }),
    ...(info === undefined ? {} : { reason: info.debug.reason }),
    ...(badRequest === undefined
      ? {}
      : { fields: badRequest.debug.fieldViolations.map(({ field }: { field: string }) => field) }),
  };
}
