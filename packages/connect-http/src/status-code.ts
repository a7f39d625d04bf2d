import { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";

/** See https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto. */
const codesOfStatus: ReadonlyMap<number, string> = new Map(
  Object.entries({
    401: Code.Unauthenticated,
    403: Code.PermissionDenied,
    404: Code.NotFound,
    405: Code.Unimplemented,
    408: Code.DeadlineExceeded,
    413: Code.ResourceExhausted,
    415: Code.Unimplemented,
    429: Code.ResourceExhausted,
    431: Code.ResourceExhausted,
    501: Code.Unimplemented,
    503: Code.Unavailable,
    504: Code.DeadlineExceeded,
    505: Code.Unimplemented,
  }).map(([status, code]) => [Number(status), codeToString(code)]),
);

/** The name of the code that an answer's HTTP status stands for, where no RPC has answered: `not_found`. */
export function codeOfStatus(status: number): string {
  if (status < 400) {
    return "ok";
  }
  const otherwise = status < 500 ? Code.InvalidArgument : Code.Internal;
  return codesOfStatus.get(status) ?? codeToString(otherwise);
}
