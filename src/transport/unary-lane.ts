import {
  contentTypeUnaryRegExp,
  parseContentType as parseConnectType,
} from "@connectrpc/connect/protocol-connect";
import { parseContentType as parseGrpcType } from "@connectrpc/connect/protocol-grpc";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { serveConnect } from "./unary/connect-unary.ts";
import type { Exchange } from "./unary/exchange.ts";
import { serveGrpc } from "./unary/grpc-unary.ts";
import { recordUnaryMethods, type UnaryMethod } from "./unary/unary-method.ts";
import { createUrlReader } from "./url-reader.ts";

type ConnectPluginOptions = Parameters<typeof fastifyConnectPlugin>[1];

type UnaryLaneOptions = ConnectPluginOptions &
  Required<Pick<ConnectPluginOptions, "routes" | "contextValues" | "acceptCompression">>;

/**
 * Connect's Fastify plugin, with a direct lane for unary calls.
 *
 * The plugin serves every protocol and kind of call in one way: it makes of Node's request a
 * universal one, streams it through a chain of async generators, and makes of the universal
 * response one of Node's. For a unary call, whose body is one small message, that costs several
 * times what the call itself does. The lane takes the unary POSTs of the Connect protocol, and of
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
  const readUrl = createUrlReader();

  app.addHook("onRoute", (route) => {
    const method = methods.get(route.url);
    if (method === undefined) {
      return;
    }
    const passBy = route.handler;
    route.handler = function (request, reply) {
      const serve = chooseProtocol(method, request);
      return serve === undefined
        ? passBy.call(this, request, reply)
        : answer(serve, request, reply);
    };
  });

  function urlOf(request: Exchange["request"]): string {
    const url = readUrl(request);
    if (url === undefined) {
      throw new TypeError("The request has no valid URL.");
    }
    return url;
  }

  function answer(serve: Serve, request: FastifyRequest, reply: FastifyReply): void {
    serve({
      request: request.raw,
      response: reply.raw,
      values: options.contextValues(request),
      url: urlOf(request.raw),
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

type Serve = (exchange: Exchange) => Promise<void>;

/** How to serve the call on the lane; undefined if it is not one for the lane. */
function chooseProtocol(method: UnaryMethod, { raw }: FastifyRequest): Serve | undefined {
  const contentType = raw.headers["content-type"];
  if (raw.method !== "POST" || contentType === undefined) {
    return undefined;
  }
  if (method.protocols.includes("connect") && contentTypeUnaryRegExp.test(contentType)) {
    const binary = parseConnectType(contentType)?.binary === true;
    return (exchange) => serveConnect(method, binary, exchange);
  }
  const grpc = method.protocols.includes("grpc") ? parseGrpcType(contentType) : undefined;
  return grpc !== undefined && "stream" in raw
    ? (exchange) => serveGrpc(method, grpc.binary, exchange)
    : undefined;
}
