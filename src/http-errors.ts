import { Code, ConnectError } from "@connectrpc/connect";
import {
  codeFromHttpStatus,
  codeToString,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import type { Fault } from "@partner-service/one-port-server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { clip } from "./interceptors/service-error.ts";

/**
 * Answers what never reaches Connect (an unknown path, a media type that no protocol has) in the
 * form that the caller's protocol gives to errors.
 */
export function answerHttpErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const error = new ConnectError("There is no such RPC.", Code.Unimplemented);
    return sendError(request, reply, 404, error);
  });
  app.setErrorHandler<Failure>(answerFailure);
}

/** In gRPC's headers, of which clients take 8 KiB in all, up to three times as many. */
const maxMessageBytes = 500;

/** A failure that Fastify, or a hook, has with a request. */
export interface Failure extends Error {
  readonly statusCode?: number;
}

export function answerFailure(
  failure: Failure,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const status = failure.statusCode ?? 500;
  if (status >= 500) {
    request.log.error({ err: failure }, "request failed");
    return sendError(request, reply, 500, new ConnectError("internal error", Code.Internal));
  }
  // A path that cannot be decoded is quoted.
  const message = clip(failure.message, maxMessageBytes);
  return sendError(request, reply, status, new ConnectError(message, codeOf(status)));
}

/**
 * What is wrong with a request, as an error of Connect's. Its clients take a 400 without a code for
 * a fault of the server's, and others of a caller's faults for unknown ones.
 */
function codeOf(status: number): Code {
  switch (status) {
    case 400:
      return Code.InvalidArgument;
    case 408:
      return Code.DeadlineExceeded;
    case 413:
    case 414:
    case 431:
      return Code.ResourceExhausted;
    default:
      return codeFromHttpStatus(status);
  }
}

const faultMessages: Readonly<Record<Fault["status"], string>> = {
  400: "The request is malformed.",
  408: "The request was not whole in time.",
  413: "The extensions of a chunk are too long.",
  431: "The headers are too long.",
};

/** The error for bytes that Node could not read as a request. */
export function describeFault({ status }: Fault): { readonly code: string; readonly body: string } {
  const error = new ConnectError(faultMessages[status], codeOf(status));
  const body = Buffer.from(errorToJsonBytes(error, undefined)).toString();
  return { code: codeToString(error.code), body };
}

function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  error: ConnectError,
): FastifyReply {
  const [grpc, web] = /^application\/grpc(-web)?/.exec(request.headers["content-type"] ?? "") ?? [];
  if (request.call !== undefined) {
    request.call.outcome = { code: codeToString(error.code) };
  }
  if (grpc !== undefined) {
    if (request.call !== undefined) {
      request.call.protocol = web === undefined ? "grpc" : "grpc-web";
    }
    // A response without a body carries its status in the headers ("Trailers-Only",
    // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
    return reply
      .code(200)
      .header("content-type", grpc)
      .header("grpc-status", String(error.code))
      .header("grpc-message", encodeURIComponent(error.rawMessage))
      .send();
  }
  if (status === 415) {
    // A caller of none of the protocols: it would not know the form of Connect's errors.
    return reply.code(status).send();
  }
  return reply
    .code(status)
    .header("content-type", "application/json")
    .send(Buffer.from(errorToJsonBytes(error, undefined)));
}
