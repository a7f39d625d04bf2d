import { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { codeOfStatus, findRepeatedHeaders } from "@partner-service/connect-http";
import {
  arrivalOf,
  bodyBytesOf,
  connectionOf,
  hasLeft,
  isSent,
} from "@partner-service/one-port-server";
import type { EndedCall as ToldCall } from "@partner-service/rpc-telemetry";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Call, Outcome } from "../context.ts";

/** A call that is over: its outcome feeds all that is told of it. */
type EndedCall = Call & ToldCall;

/** What is known of a call only when it is over. */
type End = Omit<ToldCall, keyof Call>;

/** Is told of each call, of whatever protocol, once when it begins and once when it is over. */
export interface CallObserver {
  begins?(call: Call, request: FastifyRequest, reply: FastifyReply): void;
  ends(call: EndedCall): void;
}

/** How many characters of a path that is no route are kept. */
const maxPathLength = 200;

/**
 * Follows a call from its headers to the end of its exchange, whoever ends that. Node tells of the end
 * by `close`, which comes whether the answer was taken or not; `finish` does not come where an
 * HTTP/1.1 client has left, and comes all the same where an HTTP/2 client has.
 */
export function followCall(
  request: FastifyRequest,
  reply: FastifyReply,
  observers: readonly CallObserver[],
): Call {
  const { raw } = request;
  const call: Call & { -readonly [Key in keyof End]: End[Key] | undefined } = {
    callId: request.id,
    log: request.log,
    connection: connectionOf(raw),
    arrivedAt: arrivalOf(raw),
    repeatedHeaders: findRepeatedHeaders(raw),
    path: pathOf(request),
    hasLeft: () => hasLeft(raw),
    // Named already, so that all calls have one shape, which V8 knows.
    protocol: undefined,
    rpc: undefined,
    subject: undefined,
    requester: undefined,
    target: undefined,
    signal: undefined,
    address: undefined,
    traceId: undefined,
    spanId: undefined,
    messages: undefined,
    onEnd: undefined,
    outcome: undefined,
    partnerId: undefined,
    changes: undefined,
    audit: undefined,
    durationMs: undefined,
    received: undefined,
    sent: undefined,
    httpMethod: undefined,
    httpStatus: undefined,
    route: undefined,
  };
  for (const observer of observers) {
    observer.begins?.(call, request, reply);
  }
  // Comes once; `once` would have Node take the listener off again.
  reply.raw.on("close", () => {
    call.durationMs = performance.now() - call.arrivedAt;
    call.onEnd?.();
    call.outcome = outcomeOf(call, request, reply);
    call.received = bodyBytesOf(raw);
    call.sent = bodyBytesOf(reply.raw);
    call.httpMethod = request.method;
    call.httpStatus = reply.raw.statusCode;
    call.route = request.routeOptions.url;
    for (const observer of observers) {
      // All that was missing is there now.
      observer.ends(call as EndedCall);
    }
  });
  return call;
}

/**
 * What the call came to. Whoever failed it has recorded that; whatever else was answered is told by its HTTP
 * status, which is that of `ok` for an RPC, if the client got the answer.
 */
function outcomeOf({ outcome }: Call, { raw }: FastifyRequest, reply: FastifyReply): Outcome {
  return (
    outcome ?? (isSent(raw, reply.raw) ? { code: codeOfStatus(reply.raw.statusCode) } : canceled)
  );
}

const canceled: Outcome = { code: codeToString(Code.Canceled) };

/** What a call names that reaches no RPC: the route, or the path that is none, without its query. */
function pathOf({ routeOptions, url }: FastifyRequest): string {
  return routeOptions.url ?? url.split("?", 1)[0]?.slice(0, maxPathLength) ?? "";
}
