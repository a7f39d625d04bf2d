import type { JsonObject } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { type Contract, commentOf } from "./contract.ts";
import { codeOf, remedyOf, sentReasons, statusesOf } from "./error-reasons.ts";
import { openEnum } from "./json-schema.ts";
import type { Refer } from "./openapi-schemas.ts";

/** For each HTTP status of a failed call what the call can have failed with. */
export function errorResponses(contract: Contract): Record<string, JsonObject> {
  const lines = sentReasons(contract).flatMap((reason) => {
    const { verb, text } = remedyOf(reason);
    const told = `\`${reason.localName}\`: ${commentOf(reason)} **${verb}** ${text}.`;
    const line = `- \`${codeToString(codeOf(reason))}\` ${told}`;
    return statusesOf(reason).map((status) => ({ status, line }));
  });
  const byStatus = Object.groupBy(lines, ({ status }) => status);
  const responses = Object.entries(byStatus).map(([status, group = []]): [string, JsonObject] => [
    status,
    errorResponse(
      group.map(({ line }) => line).join("\n"),
      status === String(codeToHttpStatus(Code.Unauthenticated)),
    ),
  ]);
  return Object.fromEntries(responses);
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
  const value = {
    type: "string",
    contentEncoding: "base64",
    description: "The detail in Protobuf, base64 without padding.",
  };
  const detail = (typeName: string, ...more: JsonObject[]): JsonObject => ({
    type: "object",
    required: ["type", "value"],
    properties: {
      type: { const: typeName },
      value,
      debug: {
        allOf: [refer(contract.message(typeName), "detail"), ...more],
        description: "The same in JSON.",
      },
    },
  });
  const reason = { properties: { reason: openEnum(reasons) } };
  /** Of a type that is not known here: there may be more of them. */
  const other = {
    type: "object",
    required: ["type", "value"],
    properties: { type: { type: "string" }, value, debug: {} },
  };
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
            anyOf: [
              detail(ErrorInfoSchema.typeName, reason),
              detail(BadRequestSchema.typeName),
              detail(RetryInfoSchema.typeName),
              other,
            ],
          },
        },
      },
    },
  };
}
