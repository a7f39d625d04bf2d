import { channel } from "node:diagnostics_channel";
import { parseContentType } from "@connectrpc/connect/protocol-grpc";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { findConnectMessage } from "./connect-message.ts";
import { serveConnect } from "./connect-unary.ts";
import { type Exchange, readRequestUrl } from "./exchange.ts";
import { serveGrpc } from "./grpc-unary.ts";
import { type RequestChecks, recordUnaryMethods, type UnaryMethod } from "./unary-method.ts";

type ConnectPluginOptions = Parameters<typeof fastifyConnectPlugin>[1];

type UnaryLaneOptions = ConnectPluginOptions &
  RequestChecks &
  Required<Pick<ConnectPluginOptions, "routes" | "contextValues" | "acceptCompression">>;

/** Is told of each call that is served on the lane. */
const calls = channel("unary-lane.call");

/** What subscribers of the channel `unary-lane.call` get. */
export interface LaneCall {
  /** The RPC's path: `/partner.v1.PartnerService/CreatePartner`. */
  readonly path: string;
  /** Connect's name of the protocol. */
  readonly protocol: "connect" | "grpc";
}

/**
 * Connect's Fastify plugin, with a direct lane for unary calls.
 *
 * The plugin serves every protocol and kind of call in one way: it makes of Node's request a
 * universal one, streams it through a chain of async generators, and makes of the universal
 * response one of Node's. For a unary call, whose body is one small message, that costs several
 * times what the call itself does. The lane takes the unary calls of the Connect protocol, and of
 * gRPC over HTTP/2, on the plugin's own routes: it runs the same request gate, interceptors and
 * implementations with the same options, and gives the same answers, byte for byte; but it reads
 * the body and writes the response at once, and JSON that is plain without Protobuf's own reader and
 * writer. All other calls pass it by, to the plugin.
 *
 * It is made of what Connect exports for protocol implementations, and can be taken out by mounting
 * `fastifyConnectPlugin` in its place, which is what `UNARY_LANE=off` does.
 */
export async function connectPluginWithUnaryLane(
  app: FastifyInstance,
  options: UnaryLaneOptions,
): Promise<void> {
  const methods = new Map<string, UnaryMethod>();

  app.addHook("onRoute", (route) => {
    const method = methods.get(route.url);
    if (method === undefined) {
      return;
    }
    const passBy = route.handler;
    route.handler = function (request, reply) {
      const url = readRequestUrl(request.raw);
      const serve = url === null ? undefined : chooseProtocol(method, request.raw, url);
      if (url === null || serve === undefined) {
        return passBy.call(this, request, reply);
      }
      if (calls.hasSubscribers) {
        calls.publish({ path: route.url, protocol: serve.protocol } satisfies LaneCall);
      }
      return answer(serve.call, url, request, reply);
    };
  });

  function answer(
    serve: Serve["call"],
    url: URL,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    serve({
      request: request.raw,
      response: reply.raw,
      values: options.contextValues(request),
      url: url.href,
      commonHeaders: reply.getHeaders(),
    }).catch((failure: unknown) => {
      request.log.error({ err: failure }, "call not answered");
      reply.raw.destroy();
    });
  }

  await app.register(fastifyConnectPlugin, {
    ...options,
    routes: (router) => options.routes(recordUnaryMethods(router, options, methods)),
  });
}

interface Serve {
  readonly protocol: LaneCall["protocol"];
  readonly call: (exchange: Exchange) => Promise<void>;
}

/** How to serve the call on the lane; undefined if it is not one for the lane. */
function chooseProtocol(
  method: UnaryMethod,
  request: Exchange["request"],
  url: URL,
): Serve | undefined {
  const message = method.protocols.includes("connect")
    ? findConnectMessage(request, url, method.spec.method)
    : undefined;
  if (message !== undefined) {
    return { protocol: "connect", call: (exchange) => serveConnect(method, message, exchange) };
  }
  const grpc =
    request.method === "POST" && "stream" in request && method.protocols.includes("grpc")
      ? parseContentType(request.headers["content-type"] ?? null)
      : undefined;
  return grpc && { protocol: "grpc", call: (exchange) => serveGrpc(method, grpc.binary, exchange) };
}
