import { create, type DescMethodUnary, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { RemedyAction, remedyOf } from "../../packages/client/src/index.ts";
import { type Caller, fetchAs } from "./caller.ts";
import { failureText } from "./failure-text.ts";
import type { Problem } from "./form-values.ts";

/** What came back, as it came, and for which call. */
export interface Answer {
  readonly method: string;
  readonly requester: string;
  readonly target: string;
  /** The HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  /** `OK`, or the name of the error's code: `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly durationMs: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: JsonValue | undefined;
  readonly error: AnswerError | undefined;
}

/** Why a call failed. */
interface AnswerError {
  readonly message: string;
  /** The reason of the service's ErrorInfo. */
  readonly reason: string | undefined;
  /** What to do about it, as the contract says of the reason. */
  readonly remedy: string | undefined;
  readonly problems: readonly Problem[];
}

/** Calls an RPC with just this request, whether the contract has it so or not. */
export async function callRpc(
  method: DescMethodUnary,
  request: JsonObject,
  caller: Caller,
): Promise<Answer> {
  let received: Pick<Answer, "status" | "headers" | "body"> = {
    status: 0,
    headers: [],
    body: undefined,
  };
  const fetchAsCaller = fetchAs(caller);
  const transport = createConnectTransport({
    baseUrl: location.origin,
    async fetch(input, init) {
      const response = await fetchAsCaller(input, { ...init, body: JSON.stringify(request) });
      const text = await response.clone().text();
      received = { status: response.status, headers: [...response.headers], body: readBody(text) };
      return response;
    },
  });
  const start = performance.now();
  const error = await transport
    .unary(method, undefined, undefined, undefined, create(method.input))
    .then(() => undefined, ConnectError.from);
  return {
    method: method.name,
    requester: caller.requester,
    target: caller.target,
    ...received,
    code: error === undefined ? "OK" : codeName(error.code),
    durationMs: performance.now() - start,
    error: error === undefined ? undefined : describeError(error),
  };
}

/** What is no JSON comes from something between the page and the service, and is shown as it is. */
function readBody(text: string): JsonValue | undefined {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

/** What an error says to a person, and to a form. */
export function describeError(failure: unknown): AnswerError {
  const error = ConnectError.from(failure);
  return {
    message: failureText(failure),
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason,
    remedy: remedyText(error),
    problems: error
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) =>
        fieldViolations.map(({ field, description, reason }) => ({ field, description, reason })),
      ),
  };
}

const verbs: Readonly<Record<RemedyAction, string>> = {
  [RemedyAction.UNSPECIFIED]: "",
  [RemedyAction.REPEAT]: "Repeat",
  [RemedyAction.REPEAT_IF_SAFE]: "If that is safe, repeat",
  [RemedyAction.CORRECT]: "Correct",
  [RemedyAction.ASK]: "Ask",
};

function remedyText(error: ConnectError): string | undefined {
  const remedy = remedyOf(error);
  return remedy && `${verbs[remedy.action]} ${remedy.text.replaceAll("`", "")}.`;
}

/** The code as the contract's documents spell it. */
function codeName(code: Code): string {
  return Code[code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
