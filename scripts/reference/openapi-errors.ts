import type { JsonObject } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { type Contract, commentOf } from "./contract.ts";
import { codeOf, codesWithoutReason, sentReasons } from "./error-reasons.ts";
import type { Refer } from "./openapi-schemas.ts";

/** The answer to what no protocol reads, which need not have a body. */
const unsupportedMediaType = {
  "415": { description: "The media type is not one that the service reads." },
};

/** For each HTTP status of a failed call what the call can have failed with. */
export function errorResponses(contract: Contract): Record<string, JsonObject> {
  const lines = [
    ...sentReasons(contract).map((reason) => ({
      code: codeOf(reason),
      text: `\`${reason.localName}\`: ${commentOf(reason)}`,
    })),
    ...[...codesWithoutReason].map(([code, text]) => ({ code, text })),
  ];
  const byStatus = Object.groupBy(lines, ({ code }) => codeToHttpStatus(code));
  const responses = Object.entries(byStatus).map(([status, group = []]): [string, JsonObject] => [
    status,
    errorResponse(
      group.map(({ code, text }) => `- \`${codeToString(code)}\` ${text}`).join("\n"),
      status === String(codeToHttpStatus(Code.Unauthenticated)),
    ),
  ]);
  return { ...Object.fromEntries(responses), ...unsupportedMediaType };
}

function errorResponse(description: string, asksForToken: boolean): JsonObject {
  return {
    description,
    headers: {
      "X-Request-Id": { $ref: "#/components/headers/requestId" },
      ...(asksForToken ? { "WWW-Authenticate": { schema: { type: "string" } } } : {}),
    },
    content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
  };
}

/** The schema of a failed call's body, and of the details that it may hold. */
export function errorSchemas(contract: Contract, refer: Refer): Record<string, JsonObject> {
  const codes = Object.values(Code).filter((code) => typeof code === "number");
  const reasons = sentReasons(contract).map(({ localName }) => localName);
  const detail = (typeName: string, ...more: JsonObject[]): JsonObject => ({
    type: "object",
    required: ["type", "value"],
    properties: {
      type: { const: typeName },
      value: {
        type: "string",
        contentEncoding: "base64",
        description: "The detail in Protobuf, base64 without padding.",
      },
      debug: {
        allOf: [refer(contract.message(typeName), "detail"), ...more],
        description: "The same in JSON.",
      },
    },
  });
  const reason = { properties: { reason: { enum: reasons } } };
  return {
    Error: {
      type: "object",
      description: "Why a call failed.",
      required: ["code"],
      properties: {
        code: { type: "string", enum: codes.map(codeToString) },
        message: { type: "string", description: "For people; programs read the reason." },
        details: {
          type: "array",
          items: {
            oneOf: [
              detail(ErrorInfoSchema.typeName, reason),
              detail(BadRequestSchema.typeName),
              detail(RetryInfoSchema.typeName),
            ],
          },
        },
      },
    },
  };
}
