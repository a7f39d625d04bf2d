import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";

/**
 * Checks that the query of a Connect GET (https://connectrpc.com/docs/protocol#unary-get-request) has
 * a message, in the form that it says. Connect itself calls the lack of one an empty message, decodes
 * what is no UTF-8 to U+FFFD, and calls bad base64 a failure of its own.
 *
 * @throws ConnectError INVALID_ARGUMENT
 */
export function checkGetQuery({ requestMethod, url }: HandlerContext): void {
  if (requestMethod !== "GET" || plainQuery.test(url)) {
    return;
  }
  const { search, searchParams } = new URL(url);
  const message = searchParams.get("message");
  if (message === null) {
    throw new ConnectError("The query has no parameter message.", Code.InvalidArgument);
  }
  try {
    decodeURIComponent(search);
  } catch (cause) {
    throw unreadable("The query is not UTF-8 in percent-encoding.", cause);
  }
  if (searchParams.get("base64") === "1") {
    try {
      base64Decode(message);
    } catch (cause) {
      throw unreadable("The query's parameter message is not base64.", cause);
    }
  }
}

/** A query that has a message, in ASCII and no base64, which needs no reading. */
const plainQuery = /^[^?#]*\?(?!.*(?:base64|%(?![0-7][\da-fA-F])))(?:[^#]*&)?message=/;

function unreadable(message: string, cause: unknown): ConnectError {
  return new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
}
