import { create, type DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor, UnaryRequest, UnaryResponse } from "@connectrpc/connect";

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
  const templates = new Map<DescMethod, Template>();

  function templateOf(descriptor: DescMethod): Template {
    const template = templates.get(descriptor) ?? createTemplate(descriptor);
    templates.set(descriptor, template);
    return template;
  }

  const admitted: Next = async ({ method }) => templateOf(method).response;
  const chain = interceptors.reduceRight<Next>((next, interceptor) => interceptor(next), admitted);
  return async (context) => {
    await chain({
      ...templateOf(context.method).request,
      requestMethod: context.requestMethod,
      url: context.url,
      signal: context.signal,
      header: context.requestHeader,
      contextValues: context.values,
    });
  };
}

/**
 * What is the same for all calls of a method, because no interceptor that runs here looks at it: the
 * empty messages, and the response. To make them takes longer than to run the interceptors.
 */
interface Template {
  readonly request: Pick<UnaryRequest, "stream" | "service" | "method" | "message">;
  readonly response: UnaryResponse;
}

function createTemplate(descriptor: DescMethod): Template {
  // Interceptors that run here are written for unary and streaming calls alike; the cast only picks
  // the unary shape.
  const method = descriptor as UnaryRequest["method"];
  const service = method.parent;
  return {
    request: { stream: false, service, method, message: create(method.input) },
    response: {
      stream: false,
      service,
      method,
      message: create(method.output),
      header: new Headers(),
      trailer: new Headers(),
    },
  };
}
