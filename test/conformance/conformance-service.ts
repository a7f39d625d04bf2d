import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import {
  type Code,
  ConnectError,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  type ConformanceService,
  type Error as ErrorDefinition,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "../../.conformance/gen/connectrpc/conformance/v1/service_pb.ts";

interface Answer {
  readonly payload: MessageInitShape<typeof ConformancePayloadSchema>;
}

/**
 * Does what each request asks for, as the comments of the suite's service.proto say: metadata, data,
 * delays, an error. Tells back what was received, for the suite to compare with what it sent.
 *
 * Unimplemented stays so.
 */
export const conformanceService: Partial<ServiceImpl<typeof ConformanceService>> = {
  unary: (request, context) =>
    answerOnce(request.responseDefinition, [anyPack(UnaryRequestSchema, request)], context),

  idempotentUnary: (request, context) =>
    answerOnce(
      request.responseDefinition,
      [anyPack(IdempotentUnaryRequestSchema, request)],
      context,
    ),

  async clientStream(requests, context) {
    const received = await Array.fromAsync(requests);
    return answerOnce(
      received[0]?.responseDefinition,
      received.map((request) => anyPack(ClientStreamRequestSchema, request)),
      context,
    );
  },

  async *serverStream(request, context) {
    const received = [anyPack(ServerStreamRequestSchema, request)];
    yield* answerMany(request.responseDefinition, async () => received.splice(0), context);
  },

  async *bidiStream(requests, context) {
    const incoming = requests[Symbol.asyncIterator]();
    const first = await incoming.next();
    if (first.done) {
      return;
    }
    const { responseDefinition, fullDuplex } = first.value;
    const received = [anyPack(BidiStreamRequestSchema, first.value)];
    const take = async () => {
      let done: boolean | undefined = fullDuplex && received.length > 0;
      while (!done) {
        const next = await incoming.next();
        if (!next.done) {
          received.push(anyPack(BidiStreamRequestSchema, next.value));
        }
        done = fullDuplex || next.done;
      }
      return received.splice(0);
    };
    yield* answerMany(responseDefinition, take, context);
  },
};

async function answerOnce(
  definition: UnaryResponseDefinition | undefined,
  requests: Any[],
  context: HandlerContext,
): Promise<Answer> {
  setMetadata(definition, context);
  await delay(definition?.responseDelayMs);
  const requestInfo = describeCall(requests, context);
  const response = definition?.response;
  if (response?.case === "error") {
    throw createError(response.value, requestInfo);
  }
  return { payload: { requestInfo, data: response?.value ?? new Uint8Array() } };
}

/**
 * @param take - the requests received since it was last called: all of them, or in full duplex one,
 * for which it waits; none at the end
 */
async function* answerMany(
  definition: StreamResponseDefinition | undefined,
  take: () => Promise<Any[]>,
  context: HandlerContext,
): AsyncGenerator<Answer> {
  setMetadata(definition, context);
  let requests = await take();
  const data = definition?.responseData ?? [];
  for (const [index, item] of data.entries()) {
    await delay(definition?.responseDelayMs);
    const requestInfo = index === 0 ? describeCall(requests, context) : { requests };
    yield { payload: requests.length === 0 ? { data: item } : { data: item, requestInfo } };
    requests = await take();
  }
  if (definition?.error !== undefined) {
    throw createError(
      definition.error,
      data.length === 0 ? describeCall(requests, context) : undefined,
    );
  }
}

type RequestInfo = MessageInitShape<typeof ConformancePayload_RequestInfoSchema>;

function describeCall(requests: Any[], context: HandlerContext): RequestInfo {
  const timeoutMs = context.timeoutMs();
  return {
    requests,
    requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: [value] })),
    ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.floor(timeoutMs)) }),
  };
}

function setMetadata(
  definition: { responseHeaders: Header[]; responseTrailers: Header[] } | undefined,
  context: HandlerContext,
): void {
  append(context.responseHeader, definition?.responseHeaders ?? []);
  append(context.responseTrailer, definition?.responseTrailers ?? []);
}

function append(headers: Headers, items: readonly Header[]): void {
  for (const { name, value } of items) {
    for (const single of value) {
      headers.append(name, single);
    }
  }
}

/** Makes the error with the details asked for, as they are, and with what was received, if given. */
function createError(definition: ErrorDefinition, requestInfo?: RequestInfo): ConnectError {
  // The suite numbers the codes as Connect does.
  const error = new ConnectError(definition.message ?? "", definition.code as number as Code);
  error.details = definition.details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  if (requestInfo !== undefined) {
    error.details.push({ desc: ConformancePayload_RequestInfoSchema, value: requestInfo });
  }
  return error;
}
