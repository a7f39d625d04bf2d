import type { DescMethodUnary, JsonValue, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { requesterHeader, targetHeader } from "../organization-headers.ts";
import type { Problem } from "./form-values.ts";

/** Who calls, and about whose book. */
export interface Caller {
  readonly token: string;
  readonly requester: string;
  readonly target: string;
}

/** What came back, as it came. */
export interface Answer {
  readonly method: string;
  /** The HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  /** `OK`, or the name of the error's code: `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly durationMs: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: JsonValue | undefined;
  readonly error: AnswerError | undefined;
}

interface AnswerError {
  readonly message: string;
  /** The reason of the service's ErrorInfo. */
  readonly reason: string | undefined;
  readonly problems: readonly Problem[];
}

/** The headers that every call carries. */
export function callHeaders({ token, requester, target }: Caller): Record<string, string> {
  return {
    Authorization: `Bearer ${token}`,
    [requesterHeader]: requester,
    [targetHeader]: target,
  };
}

/** Calls an RPC with Connect-Web, and keeps what the answer was on the wire. */
export async function callRpc(
  method: DescMethodUnary,
  message: Message,
  caller: Caller,
): Promise<Answer> {
  let received: Pick<Answer, "status" | "headers" | "body"> = {
    status: 0,
    headers: [],
    body: undefined,
  };
  const transport = createConnectTransport({
    baseUrl: location.origin,
    async fetch(input, init) {
      const response = await fetch(input, init);
      const text = await response.clone().text();
      received = {
        status: response.status,
        headers: [...response.headers],
        body: text === "" ? undefined : JSON.parse(text),
      };
      return response;
    },
  });
  const start = performance.now();
  const headers = callHeaders(caller);
  const error = await transport
    .unary(method, undefined, undefined, headers, message)
    .then(() => undefined, ConnectError.from);
  return {
    method: method.name,
    ...received,
    code: error === undefined ? "OK" : codeName(error.code),
    durationMs: performance.now() - start,
    error: error === undefined ? undefined : describeError(error),
  };
}

function describeError(error: ConnectError): AnswerError {
  return {
    message: error.rawMessage,
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason,
    problems: error
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) =>
        fieldViolations.map(({ field, description, reason }) => ({ field, description, reason })),
      ),
  };
}

/** The code as the contract's documents spell it. */
function codeName(code: Code): string {
  return Code[code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
