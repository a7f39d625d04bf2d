import type { JsonObject } from "@bufbuild/protobuf";
import { ErrorReasonSchema } from "../../gen/partner/v1/error_pb.ts";
import { openEnum } from "./json-schema.ts";

const text = (description: string): JsonObject => ({ type: "string", description });

/** What `google.rpc.ErrorInfo` tells in JSON. */
export const errorInfoProperties = {
  reason: {
    ...openEnum({ $ref: "#/components/schemas/ErrorReason" }),
    description: "Why the call failed. A program that does not know the reason goes by the code.",
  },
  domain: text(`Whose reason it is: \`${ErrorReasonSchema.file.proto.package}\`.`),
  metadata: {
    type: "object",
    additionalProperties: { type: "string" },
    description: "Facts for programs, which the reason's description names.",
  },
};

/**
 * The standard messages that answers hold, by full name: what the service sends in them, since their own
 * comments speak of what any service may.
 */
export const standardSchemas: ReadonlyMap<string, JsonObject> = new Map([
  ["google.rpc.ErrorInfo", object("Why it failed.", errorInfoProperties)],
  [
    "google.rpc.BadRequest.FieldViolation",
    object("A rule that a field breaks.", {
      field: text(
        "The path of the field, in the contract's names: `company_name` for what JSON calls " +
          "`companyName`, `partner.city`, `requests[2].city`. Empty: the message as a whole.",
      ),
      description: text("What is wanted and what was got, for people."),
      reason: text(
        "The rule's id, for programs, such as `required`, `string.max_len` or `email.domain`; " +
          "`type` for a value that is not of the field's type. There will be more of them.",
      ),
    }),
  ],
  [
    "google.rpc.Status",
    object("An error without its details.", {
      code: {
        type: "integer",
        format: "int32",
        description: "The code's number in `google.rpc.Code`.",
      },
      message: text("For people; programs read the reason."),
      details: { type: "array", items: { type: "object" }, description: "Always empty." },
    }),
  ],
]);

function object(description: string, properties: Record<string, JsonObject>): JsonObject {
  return { type: "object", description, properties, required: Object.keys(properties) };
}
