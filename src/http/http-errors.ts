import { ConnectError } from "@connectrpc/connect";
import { codeFromHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import { refusals, toErrorAnswer } from "@partner-service/connect-http";
import type { Fault } from "@partner-service/one-port-server";
import { clip } from "@partner-service/strict-messages";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import type { Call } from "../context.ts";
import { recordFailure, serviceError } from "../interceptors/service-error.ts";

/**
 * Answers what never reaches Connect (an unknown path, a media type that no protocol has) in the
 * form that the caller's protocol gives to errors.
 */
export function answerHttpErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    return sendError(request, reply, 404, "There is no such RPC.");
  });
  app.setErrorHandler(answerFailure);
}

/** In gRPC's headers, of which clients take 8 KiB in all, up to three times as many. */
const maxMessageBytes = 500;

/** Answers a failure that Fastify, or a hook, has with a request. */
export function answerFailure(
  failure: Pick<FastifyError, "message" | "statusCode">,
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

function toError(status: number, message: string): ConnectError {
  const reason = reasons[status];
  return reason === undefined
    ? new ConnectError(message, codeFromHttpStatus(status))
    : serviceError(reason, message);
}

/** Makes the error, and writes down that it is the outcome of the call, where there is one. */
export function noteError(call: Call | undefined, status: number, message: string): ConnectError {
  const error = toError(status, message);
  if (call !== undefined) {
    recordFailure(call, error);
  }
  return error;
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
  return { code: codeToString(error.code), body: String(toErrorAnswer(error, status).body) };
}

function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  message: string,
): FastifyReply {
  const error = noteError(request.call, status, message);
  const answer = toErrorAnswer(error, status, request.headers["content-type"]);
  if (request.call !== undefined) {
    request.call.protocol ??= answer.protocol;
  }
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
}
