import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
} from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";

/** An RPC whose request is one message: all that the contract has. */
export type SingleRequestMethod = DescMethodUnary | DescMethodServerStreaming;

/** @throws Error when the RPC takes a stream. */
export function isSingleRequest(method: DescMethod): method is SingleRequestMethod {
  return method.methodKind === "unary" || method.methodKind === "server_streaming";
}

/** Calls an RPC, and answers what it answers, a stream its first message. */
export async function firstAnswer(
  transport: Transport,
  method: SingleRequestMethod,
  headers: Headers,
  message: Message,
): Promise<Message | undefined> {
  if (method.methodKind === "unary") {
    return (await transport.unary(method, undefined, undefined, headers, message)).message;
  }
  const end = new AbortController();
  const messages = (async function* () {
    yield message;
  })();
  const answer = await transport.stream(method, end.signal, undefined, headers, messages);
  for await (const first of answer.message) {
    end.abort();
    return first;
  }
  return undefined;
}
