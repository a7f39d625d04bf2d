import { once } from "node:events";
import http2 from "node:http2";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { Health } from "@partner-service/health-reflection";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { createApp } from "../src/app.ts";
import { type RawHeaders, rawPosts } from "./support/raw-calls.ts";
import { envelope } from "./support/wires.ts";

const path = "/grpc.health.v1.Health/Check";
const json = ["Content-Type", "application/json"] as const;
const grpc = ["Content-Type", "application/grpc+json"] as const;

/** A service whose handler does as its request says, and what it has seen. */
interface Probe {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly seen: unknown[];
  readonly log: Record<string, unknown>[];
}

async function startProbe(unaryLane: boolean): Promise<Probe> {
  const seen: unknown[] = [];
  const log: Record<string, unknown>[] = [];

  function note(what: string, { signal, ...context }: Omit<HandlerContext, "service" | "method">) {
    seen.push({
      what,
      url: context.url.replace(/:\d+/, ""),
      requestMethod: context.requestMethod,
      protocolName: context.protocolName,
      timeout: context.timeoutMs() !== undefined,
      metadata: context.requestHeader.get("X-Metadata"),
      accept: context.requestHeader.get("Accept"),
      absent: context.requestHeader.get("constructor"),
      copy: withoutPort(new Headers(context.requestHeader)),
      all: withoutPort(context.requestHeader),
      metadataAfterwards: context.requestHeader.get("X-METADATA"),
      aborted: signal.aborted,
    });
  }

  const interceptor: Interceptor = (next) => async (request) => {
    seen.push({ what: "interceptor", method: request.method.name, url: request.url.length > 0 });
    const response = await next(request);
    response.header.set("X-Interceptor", "was here");
    return response;
  };

  const app = await createApp(
    {
      tls: undefined,
      corsOrigins: [],
      readMaxBytes: 1024,
      maxTimeoutMs: 5000,
      jsonUnknownFields: "refuse",
      unaryLane,
    },
    {
      log: { level: "info", stream: { write: (line) => log.push(JSON.parse(line)) } },
      readiness: { isReady: async () => true, draining: new AbortController().signal },
      routes: (router) => {
        router.service(
          Health,
          {
            async check({ service }, context) {
              note("handler", context);
              context.signal.addEventListener("abort", () => {
                const { reason } = context.signal;
                seen.push({ what: "aborted", reason: reason.name, code: reason.code });
              });
              return await act(service, context);
            },
          },
          {
            interceptors: [interceptor],
            requestGate: (context) => {
              note("gate", context);
              if (context.requestHeader.has("X-Refuse")) {
                throw new ConnectError("refused", Code.PermissionDenied);
              }
            },
          },
        );
      },
    },
  );
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  // Says only where it listens.
  log.splice(0);
  return { app, url, seen, log };
}

async function act(what: string, { signal, responseHeader, responseTrailer }: HandlerContext) {
  const set = () => {
    responseHeader.append("X-Many", "a");
    responseHeader.append("X-Many", "b");
    responseHeader.append("Set-Cookie", "a=1");
    responseHeader.append("Set-Cookie", "b=2");
    responseHeader.set("X-Request-Id", "of-the-handler");
    responseTrailer.set("X-Trailer", "last");
  };
  switch (what) {
    case "metadata":
      set();
      return {};
    case "error":
      set();
      throw new ConnectError("näh: 100%", Code.DataLoss, { "X-Error": "e", "Grpc-Status": "0" }, [
        { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "R", domain: "d" }) },
      ]);
    case "failure":
      throw new Error("secret");
    case "wait":
      await once(signal, "abort");
      signal.throwIfAborted();
      return {};
    default:
      return {};
  }
}

describe("A handler on the unary lane and one on Connect's plugin", () => {
  let lane: Probe;
  let plugin: Probe;

  beforeAll(async () => {
    lane = await startProbe(true);
    plugin = await startProbe(false);
  });
  afterAll(async () => {
    await lane?.app.close();
    await plugin?.app.close();
  });

  const calls = {
    "Connect, HTTP/1.1": ["HTTP/1.1", json],
    "Connect, HTTP/2": ["HTTP/2", json],
    "gRPC, HTTP/2": ["HTTP/2", grpc],
  } as const;

  async function call(
    probe: Probe,
    [version, type]: (typeof calls)[keyof typeof calls],
    what: string,
    more: RawHeaders,
  ) {
    const message = Buffer.from(JSON.stringify({ service: what }));
    const body = type === grpc ? envelope(message) : message;
    const headers = [type, ["X-Request-Id", "same"] as const, ...more];
    const answer = await rawPosts[version](probe.url, headers, body, { path });
    await expect.poll(() => probe.log.some(({ msg }) => msg === "call")).toBe(true);
    const { headers: answered, ...others } = answer;
    const lines = probe.log.splice(0).map(({ code, level, msg }) => ({ code, level, msg }));
    const { date: _, ...kept } = answered;
    return {
      headers: kept,
      ...others,
      trailers: { ...answer.trailers },
      lines,
      seen: probe.seen.splice(0),
    };
  }

  describe.each(Object.entries(calls))("over %s", (_name, form) => {
    const timeout: [string, string] =
      form[1] === grpc ? ["Grpc-Timeout", "50m"] : ["Connect-Timeout-Ms", "50"];

    test.each<[string, string, RawHeaders]>([
      ["that returns nothing", "", [["X-Metadata", "m"]]],
      ["that sets headers and trailers", "metadata", []],
      ["that fails with details and metadata", "error", []],
      ["that fails", "failure", []],
      ["that waits until its deadline", "wait", [timeout]],
      ["that answers before its deadline", "", [[timeout[0], form[1] === grpc ? "5S" : "5000"]]],
      ["that its gate keeps calls from", "", [["X-Refuse", "yes"]]],
    ])("see and answer the same: one %s", async (_what, what, more) => {
      const expected = await call(plugin, form, what, more);
      expect(await call(lane, form, what, more)).toEqual(expected);
    });
  });

  test.each(["lane", "plugin"])("hear that the client has left (%s)", async (name) => {
    const probe = name === "lane" ? lane : plugin;
    const session = http2.connect(probe.url);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/json",
    });
    stream.on("error", () => {});
    stream.end('{"service":"wait"}');
    await expect.poll(() => probe.seen.some((it) => isNote(it, "handler"))).toBe(true);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await expect
      .poll(() => probe.seen.at(-1))
      .toEqual({
        what: "aborted",
        reason: "ConnectError",
        code: Code.Canceled,
      });
    session.destroy();
  });
});

function withoutPort(headers: Headers): [string, string][] {
  return [...headers].map(([name, value]) => [name, value.replace(/^(127.0.0.1):\d+$/, "$1")]);
}

function isNote(it: unknown, what: string): boolean {
  return typeof it === "object" && it !== null && "what" in it && it.what === what;
}
