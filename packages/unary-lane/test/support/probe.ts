import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Http2Session } from "node:http2";
import { create, type Message } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import Fastify, { type FastifyInstance } from "fastify";
import { connectPluginWithUnaryLane } from "../../src/index.ts";
import { noteService } from "./notes.ts";

type Options = Partial<Parameters<typeof connectPluginWithUnaryLane>[1]>;

/** A server whose handlers do as the text of a note says, and what they have seen. */
export interface Probe {
  readonly urls: Readonly<Record<"HTTP/1.1" | "HTTP/2", string>>;
  readonly seen: unknown[];
  close(): Promise<void>;
}

export const readMaxBytes = 4096;
export const maxTimeoutMs = 5000;

/** Starts it on the lane, or on Connect's plugin with the same options. */
export async function startProbe(
  way: "lane" | "plugin",
  more: Options & Readonly<Record<string, unknown>> = {},
): Promise<Probe> {
  const seen: unknown[] = [];
  const options = {
    acceptCompression: [compressionGzip, compressionBrotli],
    contextValues: () => createContextValues(),
    jsonOptions: { alwaysEmitImplicit: true },
    routes: mountNotes(seen),
    ...{ readMaxBytes, maxTimeoutMs, ...more },
  };
  async function listen(app: FastifyInstance): Promise<string> {
    app.addHook("onRequest", async (_request, reply) => {
      reply.header("X-App", "sets this");
    });
    await app.register(way === "lane" ? connectPluginWithUnaryLane : fastifyConnectPlugin, options);
    return await app.listen({ host: "127.0.0.1", port: 0 });
  }
  const one = Fastify({ forceCloseConnections: true });
  // The two kinds of app differ in the types of what the plugin does not look at.
  const two = Fastify({ http2: true }) as unknown as FastifyInstance;
  const sessions = new Set<Http2Session>();
  two.server.on("session", (session: Http2Session) => sessions.add(session));
  return {
    urls: { "HTTP/1.1": await listen(one), "HTTP/2": await listen(two) },
    seen,
    async close() {
      for (const session of sessions) {
        session.destroy();
      }
      await Promise.all([one.close(), two.close()]);
    },
  };
}

function mountNotes(seen: unknown[]) {
  function note(what: string, { signal, ...context }: HandlerContext) {
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
  async function answer(message: Message, context: HandlerContext) {
    note("handler", context);
    context.signal.addEventListener("abort", () => {
      const { reason } = context.signal;
      seen.push({ what: "aborted", reason: reason.name, code: reason.code });
    });
    // The descriptor is made at run time, and the types do not know what it declares.
    const { text } = message as Message & { readonly text: string };
    return await act(text, message, context);
  }
  // Of a descriptor that is made at run time the types do not know the methods.
  const implementation: object = {
    write: answer,
    read: answer,
    async *watch(message: Message) {
      yield message;
    },
  };
  return (router: ConnectRouter) =>
    router.service(noteService, implementation, {
      interceptors: [interceptor],
      requestGate: (context) => {
        note("gate", context);
        if (context.requestHeader.has("X-Refuse")) {
          throw new ConnectError("refused", Code.PermissionDenied);
        }
      },
    });
}

async function act(text: string, message: Message, context: HandlerContext) {
  const { signal, responseHeader, responseTrailer } = context;
  const set = () => {
    responseHeader.append("X-Many", "a");
    responseHeader.append("X-Many", "b");
    responseHeader.append("Set-Cookie", "a=1");
    responseHeader.append("Set-Cookie", "b=2");
    responseHeader.set("X-App", "of the handler");
    responseTrailer.set("X-Trailer", "last");
  };
  switch (text) {
    case "metadata":
      set();
      return message;
    case "error":
      set();
      throw new ConnectError("näh: 100%", Code.DataLoss, { "X-Error": "e", "Grpc-Status": "0" }, [
        { desc: StringValueSchema, value: create(StringValueSchema, { value: "detail" }) },
      ]);
    case "a header that is none":
      responseHeader.set("X-Broken", "a\nb");
      return message;
    case "failure":
      throw new Error("secret");
    case "wait":
      await once(signal, "abort");
      signal.throwIfAborted();
      return message;
    default:
      return message;
  }
}

function withoutPort(headers: Headers): [string, string][] {
  return [...headers].map(([name, value]) => [name, value.replace(/^(127.0.0.1):\d+$/, "$1")]);
}

/** What the channels of the lane are told while something is done: their names, in turn. */
export async function pathOf(work: () => Promise<unknown>): Promise<string[]> {
  const path: string[] = [];
  const note = (_message: unknown, name: string | symbol) => {
    path.push(String(name).replace("unary-lane.", ""));
  };
  const names = ["unary-lane.call", "unary-lane.json-read", "unary-lane.json-write"];
  for (const name of names) {
    subscribe(name, note);
  }
  try {
    await work();
  } finally {
    for (const name of names) {
      unsubscribe(name, note);
    }
  }
  return path;
}
