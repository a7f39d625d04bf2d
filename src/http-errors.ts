import { Code, ConnectError } from "@connectrpc/connect";
import { codeFromHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/**
 * Answers what never reaches Connect (an unknown path, a media type that no protocol has) in the
 * form that the caller's protocol gives to errors.
 */
export function answerHttpErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const error = new ConnectError("There is no such RPC.", Code.Unimplemented);
    return sendError(request, reply, 404, error);
  });
  app.setErrorHandler<Error & { statusCode?: number }>((failure, request, reply) => {
    const status = failure.statusCode ?? 500;
    if (status >= 500) {
      request.log.error({ err: failure }, "request failed");
      return sendError(request, reply, 500, new ConnectError("internal error", Code.Internal));
    }
    return sendError(
      request,
      reply,
      status,
      // Connect's clients take a 400 without a code for a fault of the server's.
      new ConnectError(
        failure.message,
        status === 400 ? Code.InvalidArgument : codeFromHttpStatus(status),
      ),
    );
  });
}

function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  error: ConnectError,
): FastifyReply {
  const [grpc] = /^application\/grpc(-web)?/.exec(request.headers["content-type"] ?? "") ?? [];
  if (grpc !== undefined) {
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
