import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreatePartnerRequestSchema } from "../gen/partner/v1/partner_service_pb.ts";
import { failingCalls } from "./support/call-cases.ts";
import { createTestDatabase, type TestDatabase } from "./support/databases.ts";
import { acme } from "./support/organizations.ts";
import { type RawAnswer, type RawHeaders, rawPosts } from "./support/raw-calls.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { envelope } from "./support/wires.ts";

/** A way to send a call: HTTP version, content type, and how messages are written in it. */
interface Form {
  readonly version: keyof typeof rawPosts;
  readonly contentType: string;
  readonly encode: (request: ReturnType<typeof partnerRequest>) => Uint8Array;
  readonly frame: (message: Uint8Array, flags?: number) => Uint8Array;
  readonly timeout: (value: string) => [string, string];
  readonly encodingHeader: string;
}

const bare = (message: Uint8Array) => message;
const json = (request: ReturnType<typeof partnerRequest>) =>
  Buffer.from(toJsonString(CreatePartnerRequestSchema, request));
const binary = (request: ReturnType<typeof partnerRequest>) =>
  toBinary(CreatePartnerRequestSchema, request);
const connect = {
  frame: bare,
  timeout: (value: string): [string, string] => ["Connect-Timeout-Ms", value],
  encodingHeader: "Content-Encoding",
};
const grpc = {
  frame: envelope,
  timeout: (value: string): [string, string] => [
    "Grpc-Timeout",
    /^\d+$/.test(value) ? `${value}m` : value,
  ],
  encodingHeader: "Grpc-Encoding",
};

const forms: Readonly<Record<string, Form>> = {
  "Connect JSON, HTTP/1.1": {
    ...connect,
    version: "HTTP/1.1",
    contentType: "application/json",
    encode: json,
  },
  "Connect JSON, HTTP/2": {
    ...connect,
    version: "HTTP/2",
    contentType: "application/json",
    encode: json,
  },
  "Connect binary, HTTP/1.1": {
    ...connect,
    version: "HTTP/1.1",
    contentType: "application/proto",
    encode: binary,
  },
  "Connect binary, HTTP/2": {
    ...connect,
    version: "HTTP/2",
    contentType: "application/proto",
    encode: binary,
  },
  "gRPC, HTTP/2": {
    ...grpc,
    version: "HTTP/2",
    contentType: "application/grpc",
    encode: binary,
  },
  "gRPC JSON, HTTP/2": {
    ...grpc,
    version: "HTTP/2",
    contentType: "application/grpc+json",
    encode: json,
  },
};

/** What is sent, if it is not the good call as it is. */
interface Changes {
  /** Headers that take the place of the good ones of the same name; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Headers that come in addition. */
  readonly more?: RawHeaders;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array | string;
  readonly method?: string;
  readonly path?: string;
}

const getPartner = "/partner.v1.PartnerService/GetPartner";
const healthCheck = "/grpc.health.v1.Health/Check";
const origin = "https://app.example.com";

/** Calls that every form can say, each with what makes it special. */
function casesOf(form: Form): Record<string, Changes> {
  const good = form.encode(partnerRequest({ requestId: randomUUID() }));
  const unreadable = form.encode === json ? Buffer.from('{"city":') : Buffer.from([0x0a, 0xff]);
  const body = (message: Uint8Array, flags?: number) => ({ body: form.frame(message, flags) });
  const long = (bytes: number) => body(Buffer.alloc(bytes, form.encode === json ? " " : 0));
  const big = partnerRequest({ address: "🏭".repeat(500), requestId: randomUUID() });
  const compressed = (encoding: string, message = gzipSync(good)) => ({
    headers: { [form.encodingHeader]: encoding },
    ...body(message, 1),
  });
  return {
    "the good call": {},
    "a good call from a page": { headers: { Origin: origin } },
    "a good call from another page": { headers: { Origin: "https://evil.example.com" } },
    "a query": { path: "/partner.v1.PartnerService/CreatePartner?a=b" },
    "no body": { body: "" },
    "an empty message": body(Buffer.alloc(0)),
    "a message that cannot be read": body(unreadable),
    "a cut message": { body: form.frame(good).subarray(0, -1) },
    "one that is not UTF-8": body(Buffer.from('{"city":"\xfc"}', "latin1")),
    "a number that does not fit": body(Buffer.from('{"salesAmount":"many"}')),
    "an unknown field": body(Buffer.from('{"unknown":1}')),
    "a null": body(Buffer.from("null")),
    "the longest message": long(65_536),
    "a message over the limit": long(65_537),
    "a message far over the limit": long(400_000),
    "a compressed message": compressed("gzip"),
    "a compression that is a lie": compressed("gzip", Buffer.from(good)),
    "a compressed message that is cut": compressed("gzip", gzipSync(good).subarray(0, 20)),
    "a bomb": compressed("gzip", gzipSync(Buffer.alloc(1_000_000))),
    "an unknown compression": compressed("zstd"),
    "a compression that is none": { headers: { [form.encodingHeader]: "identity" } },
    "a compressed message without a name": body(gzipSync(good), 1),
    "a short answer that may be compressed": { headers: accept("gzip") },
    "a long answer that may be compressed": { headers: accept("gzip"), ...body(form.encode(big)) },
    "a long answer, brotli first": { headers: accept("br, gzip"), ...body(form.encode(big)) },
    "a long answer, unknown first": { headers: accept("zstd,br"), ...body(form.encode(big)) },
    "a long answer that may not be": { headers: accept("identity"), ...body(form.encode(big)) },
    "a long answer to a compressed call": compressed("gzip", gzipSync(form.encode(big))),
    ...Object.fromEntries(
      ["", "0", "-1", "1.5", "abc", "1000000000", "99999999999", "30001", "30000"].map((value) => [
        `the timeout "${value}"`,
        { more: [form.timeout(value)] },
      ]),
    ),
    "the timeout twice": { more: [form.timeout("5000"), form.timeout("5000")] },
    "no token and a bad timeout": {
      headers: { Authorization: undefined },
      more: [form.timeout("abc")],
    },
    "no token and no body": { headers: { Authorization: undefined }, body: "" },
    "no token and a long body": { headers: { Authorization: undefined }, ...long(400_000) },
    ...Object.fromEntries(
      ["0", "1", "2", ""].map((value) => [
        `the protocol version "${value}"`,
        { headers: { "Connect-Protocol-Version": value } },
      ]),
    ),
    ...Object.fromEntries(
      [
        ["Authorization", "Bearer x"],
        ["Requester-Organization-ID", acme],
        ["Target-Organization-ID", acme],
        ["Content-Type", form.contentType],
        ["Accept", "text/plain"],
        ["Cookie", "a=b"],
      ].map(([name = "", value = ""]) => [`${name} twice`, { more: [[name, value]] }]),
    ),
    "metadata of all kinds": {
      more: [
        ["X-Text", "a, b"],
        ["X-Text", "c"],
        ["X-Latin", "\xfc"],
        ["X-Data-Bin", "AAEC"],
      ],
    },
    "a health check": { path: healthCheck, ...body(empty(form)) },
    "a health check of nobody": {
      path: healthCheck,
      ...body(form.encode === json ? Buffer.from('{"service":"x"}') : Buffer.from([10, 1, 120])),
    },
    "a stream": { path: "/grpc.health.v1.Health/Watch", method: "PUT" },
    "a stream as if it were unary": {
      path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      ...body(empty(form)),
    },
  };

  function accept(encodings: string) {
    return { [form.encodingHeader.replace(/^(Grpc-)?(Content-)?/, "$1Accept-")]: encodings };
  }
}

/** Calls that differ in where they go rather than in what they say. */
function routingCasesOf(form: Form): Record<string, Changes> {
  const body = (message: Uint8Array) => ({ body: form.frame(message) });
  return {
    ...Object.fromEntries(
      [
        ...["application/json", "application/json; charset=utf-8", "application/json;charset=utf8"],
        ...["APPLICATION/JSON", "application/json; charset=latin1", "application/json; a=b"],
        ...["application/proto", "application/Proto", "application/proto; charset=utf-8"],
        ...["application/connect+json", "application/connect+proto", "application/x-protobuf"],
        ...["application/grpc", "application/grpc+proto", "application/grpc+json", "text/plain"],
        ...["application/GRPC", "application/grpc; a=b", "application/grpc+thrift"],
        ...["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text", ""],
      ].map((type) => [`the content type "${type}"`, { headers: { "Content-Type": type } }]),
    ),
    "no content type": { headers: { "Content-Type": undefined } },
    ...Object.fromEntries(
      ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method) => [
        `the method ${method}`,
        { method, body: "" },
      ]),
    ),
    "an unknown method": { path: "/partner.v1.PartnerService/DestroyPartner" },
    "an unknown service": { path: "/partner.v2.PartnerService/CreatePartner" },
    "a slash at the end": { path: "/partner.v1.PartnerService/CreatePartner/" },
    "another case": { path: "/partner.v1.partnerservice/CreatePartner" },
    "a read without an id": { path: getPartner, ...body(Buffer.alloc(0)) },
    "a read by GET": {
      path: `${getPartner}?connect=v1&encoding=json&message=%7B%7D`,
      method: "GET",
      headers: { "Content-Type": undefined },
      body: "",
    },
  };
}

function empty({ encode }: Form): Uint8Array {
  return encode === json ? Buffer.from("{}") : Buffer.alloc(0);
}

/** What only gRPC can say. */
function framedCasesOf(form: Form): Record<string, Changes> {
  const good = form.frame(form.encode(partnerRequest({ requestId: randomUUID() })));
  const prefix = (flags: number, length: number) => envelope(Buffer.alloc(0), flags, length);
  return {
    "a cut prefix": { body: good.subarray(0, 3) },
    "a prefix alone": { body: good.subarray(0, 5) },
    "a length that is greater": { body: envelope(good.subarray(5), 0, good.byteLength) },
    "a length that is smaller": { body: envelope(good.subarray(5), 0, 10) },
    "a length over the limit": { body: prefix(0, 65_537) },
    "the greatest length": { body: prefix(0, 0xffff_ffff) },
    "an unknown flag": { body: envelope(good.subarray(5), 2) },
    "the flag that ends a stream": { body: envelope(good.subarray(5), 0x80) },
    "a second message": { body: Buffer.concat([good, good]) },
    "a second message that is cut": { body: Buffer.concat([good, good.subarray(0, 20)]) },
    "a second message over the limit": { body: Buffer.concat([good, prefix(0, 65_537)]) },
    "messages of which the first is bad": {
      body: Buffer.concat([form.frame(Buffer.from([0x0a, 0xff])), good]),
    },
    "garbage after the message": { body: Buffer.concat([good, Buffer.from("garbage")]) },
    "an uncompressed message where compression is named": {
      headers: { "Grpc-Encoding": "gzip" },
      body: good,
    },
  };
}

/** Calls by GET, which have their message in the query. */
function getCases(): Record<string, Changes> {
  const id = randomUUID();
  const message = JSON.stringify({ id });
  const text = encodeURIComponent(message);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  const binaryId = Buffer.concat([Buffer.from([10, 36]), Buffer.from(id)]);
  const zipped = base64(gzipSync(message));
  const list = "/partner.v1.PartnerService/ListPartners";
  const get = (query: string, changes: Changes = {}): Changes => ({
    path: `${getPartner}${query}`,
    method: "GET",
    body: "",
    ...changes,
    headers: { "Content-Type": undefined, ...changes.headers },
  });
  const good = `?connect=v1&encoding=json&message=${text}`;
  return {
    "one that finds none": get(good),
    "one that lists": get("", { path: `${list}?encoding=json&message={}` }),
    "one of a list in binary": get("", { path: `${list}?encoding=proto&base64=1&message=` }),
    "a message in base64": get(`?base64=1&encoding=json&message=${base64(Buffer.from(message))}`),
    "a binary message": get(`?base64=1&encoding=proto&message=${base64(binaryId)}`),
    "base64 with padding": get(
      `?base64=1&encoding=json&message=${encodeURIComponent(Buffer.from(`${message} `).toString("base64"))}`,
    ),
    "base64 that is none": get("?base64=1&encoding=json&message=%C3%BC"),
    "another value of base64": get(`?base64=true&encoding=json&message=${text}`),
    "a compressed message": get(`?base64=1&compression=gzip&encoding=json&message=${zipped}`),
    "a compression that is a lie": get(
      `?base64=1&compression=gzip&encoding=json&message=${base64(Buffer.from(message))}`,
    ),
    "an unknown compression": get(`?base64=1&compression=zstd&encoding=json&message=${zipped}`),
    "a compression that is none": get(`?compression=identity&encoding=json&message=${text}`),
    "an empty compression": get(`?compression=&encoding=json&message=${text}`),
    "no query": get(""),
    "no message": get("?encoding=json"),
    "no message in binary": get("?encoding=proto"),
    "no encoding": get(`?message=${text}`),
    "an unknown encoding": get(`?encoding=xml&message=${text}`),
    "an encoding in capitals": get(`?encoding=JSON&message=${text}`),
    "another version": get(`?connect=v2&encoding=json&message=${text}`),
    "two messages": get(`${good}&message=%7B%7D`),
    "two encodings": get(`${good}&encoding=proto`),
    "a plus": get("?encoding=json&message={+}"),
    "a percent sign by itself": get("?encoding=json&message={}%"),
    "what is not UTF-8": get("?encoding=json&message=%7B%22id%22:%22%FC%22%7D"),
    "text beyond ASCII": get("?encoding=json&message=%7B%22%F0%9F%8F%AD%22:1%7D"),
    "a question mark in the query": get("?encoding=json&message=?"),
    "a message that cannot be read": get("?encoding=json&message=%7B"),
    "a bad id": get("?encoding=json&message=%7B%22id%22:%22x%22%7D"),
    "a long message": get(`?encoding=json&message=${" ".repeat(3000).replaceAll(" ", "%20")}`),
    "a content type": get(good, { headers: { "Content-Type": "application/json" } }),
    "an empty content type": get(good, { headers: { "Content-Type": "" } }),
    "a content type of gRPC": get(good, { headers: { "Content-Type": "application/grpc" } }),
    "a body": get(good, { body: message }),
    "a long body": get(good, { body: Buffer.alloc(400_000) }),
    "the header of a compression": get(good, { headers: { "Content-Encoding": "zstd" } }),
    "an answer that may be compressed": get(good, { headers: { "Accept-Encoding": "gzip" } }),
    "a timeout": get(good, { more: [["Connect-Timeout-Ms", "5000"]] }),
    "a timeout that is none": get(good, { more: [["Connect-Timeout-Ms", "abc"]] }),
    "a timeout of nothing": get(good, { more: [["Connect-Timeout-Ms", "0"]] }),
    "no token": get(good, { headers: { Authorization: undefined } }),
    "no token and no message": get("?encoding=json", { headers: { Authorization: undefined } }),
    "a method with side effects": get("", {
      path: "/partner.v1.PartnerService/CreatePartner?encoding=json&message=%7B%7D",
    }),
    HEAD: get(good, { method: "HEAD" }),
    "a PUT with a query": get(good, { method: "PUT" }),
  };
}

/** What only HTTP/2 lets a client say: there the length is a promise like any other. */
const lengthCases = Object.fromEntries(
  ["0", "10", "70000", "abc", "-1"].map((length): [string, Changes] => [
    `the content length "${length}"`,
    { more: [["Content-Length", length]] },
  ]),
);

/** What only HTTP/1.1 lets a client say. */
const chunkedCases: Record<string, Changes> = {
  "a body in chunks": { more: [["Transfer-Encoding", "chunked"]] },
  "no body, in chunks": { more: [["Transfer-Encoding", "chunked"]], body: "" },
};

describe("A call on the unary lane and one on Connect's plugin", () => {
  let database: TestDatabase;
  let lane: TestService;
  let plugin: TestService;

  beforeAll(async () => {
    database = await createTestDatabase("postgresql");
    const shared = { ...database, close: async () => {} };
    lane = await startTestService(shared, { corsOrigins: [origin], unaryLane: true });
    plugin = await startTestService(shared, { corsOrigins: [origin], unaryLane: false });
  });
  afterAll(async () => {
    await lane?.close();
    await plugin?.close();
    await database?.close();
  });

  /** Sends the call to the service, and tells all that its client and its log see of it. */
  async function send(service: TestService, form: Form, changes: Changes, requestId: string) {
    const replaced: Record<string, string | undefined> = {
      "Content-Type": form.contentType,
      Authorization: `Bearer ${await service.issuer.token(changes.claims)}`,
      "Requester-Organization-ID": acme,
      "Target-Organization-ID": acme,
      "X-Request-Id": requestId,
      ...changes.headers,
    };
    const headers = Object.entries(replaced).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    );
    const answer = await rawPosts[form.version](
      service.url,
      [...headers, ...(changes.more ?? [])],
      // The same id on both sides: whoever comes second answers with what the first has stored.
      changes.body ?? form.frame(form.encode(partnerRequest({ requestId }))),
      changes,
    ).then(describeAnswer, ({ code }: NodeJS.ErrnoException) => ({ code }));
    const lines = () => service.log.filter((line) => line.requestId === requestId);
    if ("status" in answer) {
      await expect.poll(() => lines().some(({ msg }) => msg === "call")).toBe(true);
    }
    return {
      ...answer,
      // When the client breaks a stream off, its end and the call's failure come in either order.
      log: lines()
        .map(({ level, method, code, msg }) => [level, method, code, msg])
        .sort(([one], [other]) => Number(one) - Number(other)),
    };
  }

  function describeAnswer({ status, headers, trailers, body }: RawAnswer) {
    const { date: _, ...others } = headers;
    return { status, headers: others, trailers: { ...trailers }, body: body.toString("latin1") };
  }

  async function expectSame(form: Form, changes: Changes): Promise<void> {
    const requestId = randomUUID();
    const expected = await send(plugin, form, changes, requestId);
    expect(await send(lane, form, changes, requestId)).toEqual(expected);
  }

  describe.each(Object.entries(forms))("over %s", (_name, form) => {
    test.each(Object.entries(casesOf(form)))(
      "have the same answer to %s",
      async (_what, changes) => {
        await expectSame(form, changes);
      },
    );
  });

  describe.each(Object.entries(forms).filter(([, { frame }]) => frame === envelope))(
    "over %s",
    (_name, form) => {
      test.each(Object.entries(framedCasesOf(form)))(
        "have the same answer to %s",
        async (_what, changes) => {
          await expectSame(form, changes);
        },
      );
    },
  );

  describe.each(Object.entries(forms))("over %s", (_name, form) => {
    const cases = form.version === "HTTP/2" ? lengthCases : chunkedCases;
    test.each(Object.entries(cases))("have the same answer to %s", async (_what, changes) => {
      await expectSame(form, changes);
    });
  });

  describe.each(Object.entries(forms).filter(([name]) => /^Connect JSON/.test(name)))(
    "by GET, over %s",
    (_name, form) => {
      test.each(Object.entries(getCases()))(
        "have the same answer to %s",
        async (_what, changes) => {
          await expectSame(form, changes);
        },
      );
    },
  );

  describe.each(
    Object.entries(forms).filter(([name]) => /^Connect JSON, HTTP.1|^gRPC, /.test(name)),
  )("over %s", (_name, form) => {
    test.each(Object.entries(routingCasesOf(form)))(
      "have the same answer to %s",
      async (_what, changes) => {
        await expectSame(form, changes);
      },
    );

    test.each(
      failingCalls.filter(
        ({ name }) => !/without [a-z]|an? [a-z_]+ of|U\+0000|empty|country/.test(name),
      ),
    )("have the same answer to one $name", async ({ headers, claims, request }) => {
      const body = form.frame(form.encode(partnerRequest(request)));
      await expectSame(form, {
        body,
        ...(headers === undefined ? {} : { headers }),
        ...(claims === undefined ? {} : { claims }),
      });
    });
  });
});
