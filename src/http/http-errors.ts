import { ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import {
  codeFromHttpStatus,
  codeToString,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Fault } from "@partner-service/one-port-server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { type Call, callKey } from "../context.ts";
import { clip, recordFailure, serviceError } from "../interceptors/service-error.ts";

/**
 * Answers what never reaches Connect (an unknown path, a media type that no protocol has) in the
 * form that the caller's protocol gives to errors.
 */
export function answerHttpErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    return sendError(request, reply, 404, "There is no such RPC.");
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
    return sendError(request, reply, 500, "internal error");
  }
  // A path that cannot be decoded is quoted.
  const message = refusals[status] ?? clip(failure.message, maxMessageBytes);
  return sendError(request, reply, status, message);
}

/** What the contract says of a request that is answered with this status. */
const reasons: Readonly<Partial<Record<number, ErrorReason>>> = {
  400: ErrorReason.REQUEST_MALFORMED,
  404: ErrorReason.RPC_NOT_FOUND,
  405: ErrorReason.REQUEST_UNSUPPORTED,
  408: ErrorReason.DEADLINE_EXCEEDED,
  413: ErrorReason.HEADERS_TOO_LARGE,
  414: ErrorReason.HEADERS_TOO_LARGE,
  415: ErrorReason.REQUEST_UNSUPPORTED,
  431: ErrorReason.HEADERS_TOO_LARGE,
  500: ErrorReason.INTERNAL,
  505: ErrorReason.REQUEST_UNSUPPORTED,
};

/** Why Connect turns a request away that is none of the RPC's protocols', without a word. */
const refusals: Readonly<Partial<Record<number, string>>> = {
  405: "The RPC is not served by this HTTP method.",
  415: "The RPC is not served in this media type.",
  505: "The RPC is not served over this version of HTTP.",
};

/** Has the requests explained to their callers that Connect turns away without a word. */
export function explainRefusals({ handlers }: Pick<ConnectRouter, "handlers">): void {
  for (const [index, handler] of handlers.entries()) {
    const explained: typeof handler = Object.assign(
      async (request: Parameters<typeof handler>[0]) => {
        const response = await handler(request);
        const refusal = refusals[response.status];
        if (refusal === undefined) {
          return response;
        }
        const error = noteError(request.contextValues?.get(callKey), response.status, refusal);
        if (request.method === "HEAD") {
          return response;
        }
        const header = new Headers(response.header);
        header.set("Content-Type", "application/json");
        const body = createAsyncIterable([errorToJsonBytes(error, undefined)]);
        return { ...response, header, body };
      },
      handler,
    );
    handlers[index] = explained;
  }
}

/** Makes the error, and writes down that it is the outcome of the call, where there is one. */
function noteError(call: Call | undefined, status: number, message: string): ConnectError {
  const error = toError(status, message);
  if (call !== undefined) {
    recordFailure(call, error);
  }
  return error;
}

function toError(status: number, message: string): ConnectError {
  const reason = reasons[status];
  return reason === undefined
    ? new ConnectError(message, codeFromHttpStatus(status))
    : serviceError(reason, message);
}

const faultMessages: Readonly<Record<Fault["status"], string>> = {
  400: "The request is malformed.",
  408: "The request was not whole in time.",
  413: "The extensions of a chunk are too long.",
  431: "The headers are too long.",
};

/** The error for bytes that Node could not read as a request. */
export function describeFault({ status }: Fault): { readonly code: string; readonly body: string } {
  const error = toError(status, faultMessages[status]);
  const body = Buffer.from(errorToJsonBytes(error, undefined)).toString();
  return { code: codeToString(error.code), body };
}

function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  message: string,
): FastifyReply {
  const error = noteError(request.call, status, message);
  const [grpc, web] = /^application\/grpc(-web)?/.exec(request.headers["content-type"] ?? "") ?? [];
  if (grpc !== undefined) {
    if (request.call !== undefined) {
      request.call.protocol = web === undefined ? "grpc" : "grpc-web";
    }
    // A response without a body carries its status in the headers ("Trailers-Only",
    // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
    const trailers = new Headers({ "content-type": grpc });
    setTrailerStatus(trailers, error);
    return reply.code(200).headers(Object.fromEntries(trailers)).send();
  }
  return reply
    .code(status)
    .header("content-type", "application/json")
    .send(Buffer.from(errorToJsonBytes(error, undefined)));
}
