import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import {
  BadRequest_FieldViolationSchema,
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { type Contract, commentOf } from "./contract.ts";
import { codeOf, remedyOf, sentReasons, statusesOf } from "./error-reasons.ts";
import type { Refer } from "./openapi-schemas.ts";
import { errorInfoProperties } from "./standard-schemas.ts";

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
    content: { "application/json": { schema: { $ref: "#/components/schemas/CallError" } } },
  };
}

/**
 * The schema of a failed call's body, as the Connect protocol has it, and of the details in it. These are
 * of several types; what any of them may hold is one object, which every generator makes a type of.
 */
export function errorSchemas(contract: Contract, refer: Refer): Record<string, JsonObject> {
  const codes = Object.values(Code).filter((code) => typeof code === "number");
  return {
    ErrorReason: {
      type: "string",
      description: commentOf(contract.reasons),
      enum: sentReasons(contract).map(({ localName }) => localName),
    },
    CallError: {
      type: "object",
      description: "Why a call failed.",
      required: ["code", "message", "details"],
      properties: {
        code: { type: "string", enum: codes.map(codeToString) },
        message: { type: "string", description: "For people; programs read the reason." },
        details: {
          type: "array",
          items: { $ref: "#/components/schemas/ErrorDetail" },
          minItems: 1,
          description: `The first is a \`${ErrorInfoSchema.typeName}\`, whose \`debug\` has the reason.`,
        },
      },
    },
    ErrorDetail: {
      type: "object",
      description: "A detail of an error, which may be of a type that this document does not know.",
      required: ["type", "value", "debug"],
      properties: {
        type: { type: "string", description: "The full name of a Protobuf message." },
        value: {
          type: "string",
          contentEncoding: "base64",
          description: "The detail in Protobuf, base64 without padding.",
        },
        debug: { $ref: "#/components/schemas/ErrorDetailDebug" },
      },
    },
    ErrorDetailDebug: {
      type: "object",
      description:
        "The detail in JSON, for programs too: it is always there, and promised as `value` is. The " +
        "Connect protocol gives it its name.",
      properties: {
        ...told(ErrorInfoSchema, errorInfoProperties),
        ...told(BadRequestSchema, {
          fieldViolations: {
            type: "array",
            items: refer(contract.message(BadRequest_FieldViolationSchema.typeName), "response"),
            description: "The rules that fields of the request break.",
          },
        }),
        ...told(RetryInfoSchema, {
          retryDelay: {
            type: "string",
            pattern: "^[0-9]+(\\.[0-9]{1,9})?s$",
            examples: ["0.100s"],
            description: "How long to wait before the same call is made again.",
          },
        }),
      },
    },
  };
}

/** Properties of one type of detail. */
function told(
  { typeName }: DescMessage,
  properties: Record<string, JsonObject>,
): Record<string, JsonObject> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      { ...schema, description: `In \`${typeName}\`. ${schema.description}` },
    ]),
  );
}
