import http2 from "node:http2";
import { gzipSync } from "node:zlib";
import type { Message } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Answered,
  envelope,
  exchanges,
  type Sent,
  type SentHeaders,
} from "./support/exchanges.ts";
import { noteService } from "./support/notes.ts";
import { maxTimeoutMs, type Probe, pathOf, readMaxBytes, startProbe } from "./support/probe.ts";

/** A way to send a call: HTTP version, content type, and how messages are written in it. */
interface Form {
  readonly version: keyof typeof exchanges;
  readonly protocol: "connect" | "grpc";
  readonly encoding: "json" | "binary";
  readonly contentType: string;
}

const connectJson: Form = {
  version: "HTTP/1.1",
  protocol: "connect",
  encoding: "json",
  contentType: "application/json",
};
const grpcBinary: Form = {
  version: "HTTP/2",
  protocol: "grpc",
  encoding: "binary",
  contentType: "application/grpc",
};

const forms: Readonly<Record<string, Form>> = {
  "Connect JSON, HTTP/1.1": connectJson,
  "Connect JSON, HTTP/2": {
    version: "HTTP/2",
    protocol: "connect",
    encoding: "json",
    contentType: "application/json",
  },
  "Connect binary, HTTP/1.1": {
    version: "HTTP/1.1",
    protocol: "connect",
    encoding: "binary",
    contentType: "application/proto",
  },
  "Connect binary, HTTP/2": {
    version: "HTTP/2",
    protocol: "connect",
    encoding: "binary",
    contentType: "application/proto",
  },
  "gRPC binary, HTTP/2": grpcBinary,
  "gRPC JSON, HTTP/2": {
    version: "HTTP/2",
    protocol: "grpc",
    encoding: "json",
    contentType: "application/grpc+json",
  },
};
const connectForms = Object.entries(forms).filter(([, { protocol }]) => protocol === "connect");
const grpcForms = Object.entries(forms).filter(([, { protocol }]) => protocol === "grpc");

/** The way of a call on the lane, as its channels tell; of a message that is plain JSON, and of others. */
const plain = ["call", "json-read", "json-write"];
const onLane = ["call"];
const byPlugin: string[] = [];

/** What is sent, if it is not the good call as it is, and the way that the call takes on the lane. */
interface Case extends Partial<Omit<Sent, "headers">> {
  /** Headers that take the place of the good ones of the same name; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Headers that come in addition. */
  readonly more?: SentHeaders;
  readonly way: readonly string[];
}

const write = "/notes.v1.NoteService/Write";
const read = "/notes.v1.NoteService/Read";

function message({ encoding }: Form, text: string): Buffer {
  return encoding === "json"
    ? Buffer.from(JSON.stringify({ text, count: 7, kind: "KIND_SHORT" }))
    : Buffer.concat([lengthPrefixed(text), Buffer.from([0x10, 7, 0x18, 1])]);
}

/** Field 1, in binary. */
function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([
    Buffer.from([0x0a, (bytes.length & 0x7f) | 0x80, bytes.length >> 7]),
    bytes,
  ]);
}

function frame({ protocol }: Form, bytes: Uint8Array, flags = 0): Uint8Array {
  return protocol === "grpc" ? envelope(bytes, flags) : bytes;
}

/** Calls that every form can say, each with what makes it special. */
function casesOf(form: Form): Record<string, Case> {
  const isJson = form.encoding === "json";
  const served = isJson ? plain : onLane;
  const good = message(form, "good");
  const body = (bytes: Uint8Array, flags?: number) => ({ body: frame(form, bytes, flags) });
  const long = (bytes: number) => body(Buffer.alloc(bytes, isJson ? " " : 0));
  const wide = message(form, "🏭".repeat(500));
  const [codingHeader, acceptHeader, timeoutHeader] =
    form.protocol === "grpc"
      ? ["Grpc-Encoding", "Grpc-Accept-Encoding", "Grpc-Timeout"]
      : ["Content-Encoding", "Accept-Encoding", "Connect-Timeout-Ms"];
  const compressed = (coding: string, bytes: Uint8Array = gzipSync(good)) => ({
    headers: { [codingHeader]: coding },
    ...body(bytes, 1),
  });
  const timeout = (value: string): [string, string] => [
    timeoutHeader,
    form.protocol === "grpc" && /^\d+$/.test(value) ? `${value}m` : value,
  ];
  const written = isJson ? ["call", "json-write"] : onLane;
  /** What of an answer is not its text. */
  const around = isJson
    ? JSON.stringify({ text: "", count: 7, kind: "KIND_SHORT", secondText: "" }).length
    : message(form, "").byteLength;
  return {
    "the good call": { way: served },
    "a query": { path: `${write}?a=b`, way: served },
    "no body": { body: Buffer.alloc(0), way: onLane },
    "an empty message": { ...body(Buffer.alloc(0)), way: onLane },
    "an empty object": { ...body(Buffer.from(isJson ? "{}" : "")), way: served },
    "a message that cannot be read": {
      ...body(Buffer.from(isJson ? '{"text":' : "\n\xff", "latin1")),
      way: onLane,
    },
    "a cut message": { body: frame(form, good).subarray(0, -1), way: onLane },
    "one that is not UTF-8": {
      ...body(Buffer.from(isJson ? '{"text":"\xfc"}' : "\n\x01\xfc", "latin1")),
      way: isJson ? written : onLane,
    },
    "a number that does not fit": { ...body(Buffer.from('{"count":"many"}')), way: onLane },
    "an unknown field": {
      ...body(isJson ? Buffer.from('{"unknown":1}') : Buffer.from([0x50, 1])),
      way: written,
    },
    "a name in snake case": {
      ...body(isJson ? Buffer.from('{"second_text":"a"}') : good),
      way: written,
    },
    "a null": { ...body(Buffer.from("null")), way: onLane },
    "the longest message": { ...long(readMaxBytes), way: onLane },
    "a message over the limit": { ...long(readMaxBytes + 1), way: onLane },
    "a message over the limit by its last piece": {
      ...long(readMaxBytes + 1),
      pieceBytes: frame(form, Buffer.alloc(readMaxBytes)).byteLength,
      way: onLane,
    },
    "a message in pieces": { pieceBytes: 3, way: served },
    "a message far over the limit": { ...long(readMaxBytes * 10), way: onLane },
    "a compressed message": {
      ...compressed("gzip"),
      way: served,
    },
    "a compression that is a lie": { ...compressed("gzip", good), way: onLane },
    "a compressed message that is cut": {
      ...compressed("gzip", gzipSync(good).subarray(0, 20)),
      way: onLane,
    },
    "a bomb": { ...compressed("gzip", gzipSync(Buffer.alloc(1_000_000))), way: onLane },
    "an unknown compression": { ...compressed("zstd"), way: onLane },
    "a compression that is none": { headers: { [codingHeader]: "identity" }, way: served },
    "a compressed message without a name": { ...body(gzipSync(good), 1), way: onLane },
    "a short answer that may be compressed": { headers: { [acceptHeader]: "gzip" }, way: served },
    ...Object.fromEntries(
      ["gzip", "br, gzip", "zstd,br", "identity", ""].map((codings) => [
        `a long answer, accepted as "${codings}"`,
        { headers: { [acceptHeader]: codings }, ...body(wide), way: served },
      ]),
    ),
    // The least that is compressed.
    ...Object.fromEntries(
      [1023, 1024].map((bytes) => [
        `an answer of ${bytes} bytes that may be compressed`,
        {
          headers: { [acceptHeader]: "gzip" },
          ...body(message(form, "a".repeat(bytes - around))),
          way: served,
        },
      ]),
    ),
    "a long answer to a compressed call": { ...compressed("gzip", gzipSync(wide)), way: served },
    ...Object.fromEntries(
      ["", "-1", "1.5", "abc", "1000000000", "99999999999", `${maxTimeoutMs + 1}`].map((value) => [
        `the timeout "${value}"`,
        { more: [timeout(value)], way: onLane },
      ]),
    ),
    "a timeout of nothing": { more: [timeout("0")], way: served },
    "the greatest timeout": { more: [timeout(`${maxTimeoutMs}`)], way: served },
    "the timeout twice": { more: [timeout("5000"), timeout("5000")], way: onLane },
    ...Object.fromEntries(
      ["0", "1", "2", ""].map((value) => [
        `the protocol version "${value}"`,
        { headers: { "Connect-Protocol-Version": value }, way: served },
      ]),
    ),
    ...Object.fromEntries(
      [
        ["Content-Type", form.contentType],
        ["Accept", "text/plain"],
        ["Cookie", "a=b"],
      ].map(([name = "", value = ""]) => [
        `${name} twice`,
        { more: [[name, value]], way: served } as const,
      ]),
    ),
    "metadata of all kinds": {
      more: [
        ["X-Metadata", "a, b"],
        ["X-Metadata", "c"],
        ["X-Latin", "\xfc"],
        ["X-Data-Bin", "AAEC"],
      ],
      way: served,
    },
    "a stream": { path: "/notes.v1.NoteService/Watch", way: byPlugin },
    "an unknown method": { path: "/notes.v1.NoteService/Burn", way: byPlugin },
    "a handler that sets headers and trailers": { ...body(message(form, "metadata")), way: served },
    "a handler that fails with details and metadata": {
      ...body(message(form, "error")),
      way: served.slice(0, 2),
    },
    "a handler that sets what is no header": {
      ...body(message(form, "a header that is none")),
      way: served.slice(0, 2),
    },
    "a handler that fails": { ...body(message(form, "failure")), way: served.slice(0, 2) },
    "a handler that waits until its deadline": {
      ...body(message(form, "wait")),
      more: [timeout("50")],
      way: served.slice(0, 2),
    },
    "a gate that refuses": { headers: { "X-Refuse": "yes" }, way: onLane },
    "a gate that refuses, no body and a bad timeout": {
      headers: { "X-Refuse": "yes" },
      body: Buffer.alloc(0),
      more: [timeout("abc")],
      way: onLane,
    },
    "a gate that refuses, and a long body": {
      headers: { "X-Refuse": "yes" },
      ...long(readMaxBytes * 10),
      way: onLane,
    },
  };
}

/** What only gRPC can say. */
function framedCasesOf(form: Form): Record<string, Case> {
  const served = form.encoding === "json" ? plain : onLane;
  const good = envelope(message(form, "good"));
  const content = good.subarray(5);
  const prefix = (flags: number, length: number) => envelope(Buffer.alloc(0), flags, length);
  return {
    "a cut prefix": { body: good.subarray(0, 3), way: onLane },
    "a prefix alone": { body: good.subarray(0, 5), way: onLane },
    "a length that is greater": { body: envelope(content, 0, good.byteLength), way: onLane },
    "a length that is smaller": { body: envelope(content, 0, 10), way: onLane },
    "a length over the limit": { body: prefix(0, readMaxBytes + 1), way: onLane },
    "the greatest length": { body: prefix(0, 0xffff_ffff), way: onLane },
    "an unknown flag": { body: envelope(content, 2), way: served },
    "the flag that ends a stream": { body: envelope(content, 0x80), way: served },
    "a second message": {
      body: Buffer.concat([good, good]),
      way: served.slice(0, 2).concat(served.slice(1, 2)),
    },
    "a second message that is cut": {
      body: Buffer.concat([good, good.subarray(0, 20)]),
      way: served.slice(0, 2),
    },
    "a second message over the limit": {
      body: Buffer.concat([good, prefix(0, readMaxBytes + 1)]),
      way: onLane,
    },
    "messages of which the first is bad": {
      body: Buffer.concat([envelope(Buffer.from([0x0a, 0xff])), good]),
      way: onLane,
    },
    "garbage after the message": {
      body: Buffer.concat([good, Buffer.from("garbage")]),
      way: onLane,
    },
    "an uncompressed message where compression is named": {
      headers: { "Grpc-Encoding": "gzip" },
      body: good,
      way: served,
    },
  };
}

/** Calls that differ in where they go rather than in what they say. */
const routingCases: Record<string, Case> = {
  ...Object.fromEntries(
    [
      ...["application/json", "application/json; charset=utf-8", "application/json;charset=utf8"],
      ...["APPLICATION/JSON"],
    ].map((type) => [
      `the content type "${type}"`,
      { headers: { "Content-Type": type }, way: plain },
    ]),
  ),
  ...Object.fromEntries(
    ["application/proto", "application/Proto"].map((type) => [
      `the content type "${type}"`,
      { headers: { "Content-Type": type }, way: onLane },
    ]),
  ),
  ...Object.fromEntries(
    [
      ...["application/json; charset=latin1", "application/json; a=b", "text/plain", ""],
      ...["application/connect+json", "application/connect+proto", "application/x-protobuf"],
      ...["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text"],
      ...["application/grpc; a=b", "application/grpc+thrift", "application/proto; charset=utf-8"],
    ].map((type) => [
      `the content type "${type}"`,
      { headers: { "Content-Type": type }, way: byPlugin },
    ]),
  ),
  "no content type": { headers: { "Content-Type": undefined }, way: byPlugin },
  ...Object.fromEntries(
    ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method) => [
      `the method ${method}`,
      { method, body: Buffer.alloc(0), way: byPlugin },
    ]),
  ),
  "a slash at the end": { path: `${write}/`, way: byPlugin },
  "another case": { path: write.toLowerCase(), way: byPlugin },
};

/** Calls by GET, which have their message in the query. */
function getCases(): Record<string, Case> {
  const text = encodeURIComponent('{"text":"good","count":7}');
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  const json = Buffer.from('{"text":"good"}');
  const get = (query: string, way: readonly string[], changes: Partial<Case> = {}): Case => ({
    path: `${read}${query}`,
    method: "GET",
    body: Buffer.alloc(0),
    way,
    ...changes,
    headers: { "Content-Type": undefined, ...changes.headers },
  });
  const good = `?connect=v1&encoding=json&message=${text}`;
  const written = ["call", "json-write"];
  return {
    "the good call": get(good, plain),
    "a message in base64": get(`?base64=1&encoding=json&message=${base64(json)}`, plain),
    "a binary message": get(
      `?base64=1&encoding=proto&message=${base64(lengthPrefixed("a"))}`,
      onLane,
    ),
    "an empty binary message": get("?base64=1&encoding=proto&message=", onLane),
    "base64 with padding": get(
      `?base64=1&encoding=json&message=${encodeURIComponent(json.toString("base64"))}`,
      plain,
    ),
    "base64 that is none": get("?base64=1&encoding=json&message=%C3%BC", onLane),
    "another value of base64": get(`?base64=true&encoding=json&message=${text}`, plain),
    "a compressed message": get(
      `?base64=1&compression=gzip&encoding=json&message=${base64(gzipSync(json))}`,
      plain,
    ),
    "a compression that is a lie": get(
      `?base64=1&compression=gzip&encoding=json&message=${base64(json)}`,
      onLane,
    ),
    "an unknown compression": get(`?compression=zstd&encoding=json&message=${text}`, onLane),
    "a compression that is none": get(`?compression=identity&encoding=json&message=${text}`, plain),
    "no message": get("?encoding=json", onLane),
    "no message in binary": get("?encoding=proto", onLane),
    "no query": get("", byPlugin),
    "no encoding": get(`?message=${text}`, byPlugin),
    "an unknown encoding": get(`?encoding=xml&message=${text}`, byPlugin),
    "an encoding in capitals": get(`?encoding=JSON&message=${text}`, byPlugin),
    "another version": get(`?connect=v2&encoding=json&message=${text}`, plain),
    "two messages": get(`${good}&message=%7B%7D`, plain),
    "two encodings": get(`${good}&encoding=proto`, plain),
    "a plus": get("?encoding=json&message={+}", plain),
    "a percent sign by itself": get("?encoding=json&message={}%", onLane),
    "what is not UTF-8": get("?encoding=json&message=%7B%22text%22:%22%FC%22%7D", plain),
    "text beyond ASCII": get("?encoding=json&message=%7B%22%F0%9F%8F%AD%22:1%7D", written),
    "a long message": get(`?encoding=json&message={}${"%20".repeat(3000)}`, plain),
    "a message over the limit": get(`?encoding=json&message={}${"+".repeat(5000)}`, onLane),
    "a content type": get(good, byPlugin, { headers: { "Content-Type": "application/json" } }),
    "a content type of gRPC": get(good, byPlugin, {
      headers: { "Content-Type": "application/grpc" },
    }),
    "a body": get(good, plain, { body: json }),
    "a long body": get(good, plain, { body: Buffer.alloc(400_000) }),
    "the header of a compression": get(good, plain, { headers: { "Content-Encoding": "zstd" } }),
    "a timeout": get(good, plain, { more: [["Connect-Timeout-Ms", "5000"]] }),
    "a timeout that is none": get(good, onLane, { more: [["Connect-Timeout-Ms", "abc"]] }),
    "a method with side effects": get("", byPlugin, {
      path: `${write}?encoding=json&message=%7B%7D`,
    }),
    HEAD: get(good, byPlugin, { method: "HEAD" }),
    "a PUT with a query": get(good, byPlugin, { method: "PUT" }),
  };
}

/** What only HTTP/2 lets a client say: there the length is a promise like any other. */
const lengthCases: Record<string, Case> = Object.fromEntries(
  [
    ...["0", "10", "70000"].map((length) => [length, onLane] as const),
    // Node's client sends none of these.
    ...["abc", "-1"].map((length) => [length, byPlugin] as const),
  ].map(([length, way]) => [
    `the content length "${length}"`,
    { more: [["Content-Length", length]], way },
  ]),
);

describe("A call on the unary lane and one on Connect's plugin", () => {
  let lane: Probe;
  let plugin: Probe;

  beforeAll(async () => {
    lane = await startProbe("lane");
    plugin = await startProbe("plugin");
  });
  afterAll(async () => {
    await lane?.close();
    await plugin?.close();
  });

  /** Sends the call, and tells all that its client and its handler see of it. */
  async function send(
    { urls, seen }: Probe,
    form: Form,
    { headers = {}, more = [], ...sent }: Case,
  ) {
    const replaced = { "Content-Type": form.contentType, ...headers };
    const all = Object.entries(replaced).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    );
    const answer = await exchanges[form.version](urls[form.version], {
      method: "POST",
      path: write,
      body: frame(form, message(form, "good")),
      ...sent,
      headers: [...all, ...more],
    }).then(describeAnswer, ({ code }: NodeJS.ErrnoException) => ({ code }));
    return { ...answer, seen: seen.splice(0) };
  }

  function describeAnswer({ headers: { date: _, ...headers }, body, ...others }: Answered) {
    return { headers, ...others, body: body.toString("latin1") };
  }

  async function expectSame(form: Form, sent: Case): Promise<void> {
    const expected = await send(plugin, form, sent);
    const path = await pathOf(async () => {
      expect(await send(lane, form, sent)).toEqual(expected);
    });
    expect(path).toEqual(sent.way);
  }

  describe.each(Object.entries(forms))("over %s", (_name, form) => {
    test.each(Object.entries(casesOf(form)))("come to the same for %s", async (_what, sent) => {
      await expectSame(form, sent);
    });
  });

  describe.each(grpcForms)("over %s", (_name, form) => {
    test.each(Object.entries(framedCasesOf(form)))(
      "come to the same for %s",
      async (_what, sent) => {
        await expectSame(form, sent);
      },
    );
  });

  describe.each(connectForms.filter(([, { encoding }]) => encoding === "json"))(
    "over %s",
    (_name, form) => {
      test.each(Object.entries(routingCases))("come to the same for %s", async (_what, sent) => {
        await expectSame(form, sent);
      });
      test.each(Object.entries(getCases()))(
        "come to the same by GET for %s",
        async (_what, sent) => {
          await expectSame(form, sent);
        },
      );
    },
  );

  test.each(Object.entries(lengthCases))(
    "come to the same over HTTP/2 for %s",
    async (_what, sent) => {
      const form = forms["Connect binary, HTTP/2"];
      if (form !== undefined) {
        await expectSame(form, sent);
      }
    },
  );

  test.each([
    ["a body", Buffer.from('{"text":"good"}'), plain],
    ["no body", Buffer.alloc(0), onLane],
  ])("come to the same for %s in chunks", async (_what, body, way) => {
    await expectSame(connectJson, { body, more: [["Transfer-Encoding", "chunked"]], way });
  });

  test.each(["lane", "plugin"])("hear that the client has left (%s)", async (name) => {
    const probe = name === "lane" ? lane : plugin;
    const session = http2.connect(probe.urls["HTTP/2"]);
    const stream = session.request({
      ":method": "POST",
      ":path": write,
      "content-type": "application/json",
    });
    stream.on("error", () => {});
    stream.end('{"text":"wait"}');
    await expect.poll(() => JSON.stringify(probe.seen)).toContain('"handler"');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await expect
      .poll(() => probe.seen.at(-1))
      .toEqual({ what: "aborted", reason: "ConnectError", code: Code.Canceled });
    probe.seen.splice(0);
    session.destroy();
  });
});

/** A service that answers with the request, mounted with options of its own or without any. */
function mountedWith(options?: Parameters<ConnectRouter["service"]>[2]) {
  // Of a descriptor that is made at run time the types do not know the methods.
  const echo: object = { write: (message: Message) => message };
  return { routes: (router: ConnectRouter) => router.service(noteService, echo, options) };
}

describe("The lane", () => {
  /** What the good call comes to with these options, and the way that it takes. */
  async function callWith(options: Parameters<typeof startProbe>[1], form = connectJson) {
    const probe = await startProbe("lane", options);
    let status: number | undefined;
    const way = await pathOf(async () => {
      const answer = await exchanges[form.version](probe.urls[form.version], {
        method: "POST",
        path: write,
        headers: [
          ["Content-Type", form.contentType],
          ["Connect-Protocol-Version", "1"],
        ],
        body: frame(form, message(form, "a")),
      });
      status = answer.status;
    });
    await probe.close();
    return { status, way };
  }

  test("is taken with the options that it knows", async () => {
    const known = {
      ...{ acceptCompression: [compressionGzip], compressMinBytes: 1, writeMaxBytes: 1000 },
      ...{ binaryOptions: { readUnknownFields: false }, grpc: false, grpcWeb: false },
      ...{ interceptors: [], binaryCheckOf: () => undefined, shutdownError: undefined },
    };
    expect(await callWith(known)).toEqual({ status: 200, way: plain });
  });

  test.each([
    ["requireConnectProtocolHeader", { requireConnectProtocolHeader: true }],
    ["shutdownSignal", { shutdownSignal: new AbortController().signal }],
    ["one of a later version of Connect", { teleport: true }],
    ["one of what is mounted", mountedWith({ requireConnectProtocolHeader: true })],
  ])(
    "leaves calls to the plugin with an option that it does not know: %s",
    async (_name, options) => {
      expect(await callWith(options)).toEqual({ status: 200, way: byPlugin });
    },
  );

  test.each([
    ["Connect", { connect: false }, connectJson],
    ["gRPC", { grpc: false }, grpcBinary],
  ])("serves no %s where that is off", async (_name, options, form) => {
    expect(await callWith({ ...mountedWith(), ...options }, form)).toEqual({
      status: 415,
      way: byPlugin,
    });
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ["no zero values", {}, ["call", "json-read"]],
    ["numbers of enums", { alwaysEmitImplicit: true, enumAsInteger: true }, onLane],
    ["a later version's", { alwaysEmitImplicit: true, sortKeys: true }, onLane],
    ["unknown names refused", { alwaysEmitImplicit: true, ignoreUnknownFields: false }, plain],
  ])(
    "reads and writes plain JSON by itself only where the options allow: %s",
    async (_name, jsonOptions, way) => {
      expect(await callWith({ jsonOptions })).toEqual({ status: 200, way });
    },
  );

  test("leaves an answer to the plugin's writer that has more bytes than it may", async () => {
    const text = "€".repeat(100);
    const body = Buffer.from(JSON.stringify({ text }));
    const outcomes: unknown[] = [];
    for (const way of ["lane", "plugin"] as const) {
      const probe = await startProbe(way, { writeMaxBytes: 200 });
      const headers = [["Content-Type", connectJson.contentType]] as const;
      const sent = { method: "POST", path: write, headers, body };
      const answer = await exchanges["HTTP/1.1"](probe.urls["HTTP/1.1"], sent);
      outcomes.push([answer.status, answer.body.toString()]);
      await probe.close();
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
    expect(outcomes[0]).toEqual([429, expect.stringContaining("resource_exhausted")]);
  });

  test("asks for a check of messages in binary before it decodes them", async () => {
    const checked: string[] = [];
    const binaryCheckOf = () => (bytes: Uint8Array) => {
      checked.push(Buffer.from(bytes).toString("hex"));
      throw new Error("refused");
    };
    const probe = await startProbe("lane", { binaryCheckOf });
    for (const form of Object.values(forms).filter(({ encoding }) => encoding === "binary")) {
      for (const compressed of [false, true]) {
        const bytes = lengthPrefixed("a");
        const coding = form.protocol === "grpc" ? "Grpc-Encoding" : "Content-Encoding";
        await exchanges[form.version](probe.urls[form.version], {
          method: "POST",
          path: write,
          headers: [
            ["Content-Type", form.contentType],
            ...(compressed ? [[coding, "gzip"] as const] : []),
          ],
          body: frame(form, compressed ? gzipSync(bytes) : bytes, compressed ? 1 : 0),
        });
      }
    }
    await probe.close();
    expect(checked).toEqual(Array(6).fill("0a810061"));
  });
});
