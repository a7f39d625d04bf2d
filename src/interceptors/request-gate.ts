import { create } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor, UnaryResponse } from "@connectrpc/connect";

/**
 * Runs interceptors on a call's headers alone, before its body is read.
 *
 * Connect parses a unary message before it runs any interceptor. A caller that is not authorized
 * would then learn how its message reads before it learns that it may not send one (AIP-211), and
 * could make the service read and decompress bodies. Connect's `requestGate` runs earlier, but is
 * not an interceptor. This adapter makes one of the other: the interceptors get the call with an
 * empty message, set context values or throw, and what they set stays for those that run later.
 */
export function createRequestGate(
  interceptors: readonly Interceptor[],
): (context: HandlerContext) => Promise<void> {
  type Next = ReturnType<Interceptor>;
  const admitted: Next = async (request) => {
    const response: UnaryResponse = {
      stream: false,
      service: request.service,
      // Interceptors that run here are written for unary and streaming calls alike, and never
      // look at the message; the cast only picks the unary shape.
      method: request.method as UnaryResponse["method"],
      message: create(request.method.output),
      header: new Headers(),
      trailer: new Headers(),
    };
    return response;
  };
  const chain = interceptors.reduceRight<Next>((next, interceptor) => interceptor(next), admitted);
  return async (context) => {
    await chain({
      stream: false,
      service: context.service,
      method: context.method as UnaryResponse["method"],
      message: create(context.method.input),
      requestMethod: context.requestMethod,
      url: context.url,
      signal: context.signal,
      header: context.requestHeader,
      contextValues: context.values,
    });
  };
}
