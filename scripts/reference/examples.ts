import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { rulesOf } from "./field-rules.ts";

/** The id of a partner that is no particular one. */
export const exampleId = "019dbf6b-6a4c-7b0e-8d1c-3f0a7d0f5a11";

/**
 * A request of the contract's own examples: each field that has one, and whatever else is required.
 */
export function exampleRequest(message: DescMessage): JsonObject {
  return Object.fromEntries(
    message.fields.flatMap((field) => {
      const value = exampleValue(field);
      return value === undefined ? [] : [[field.jsonName, value]];
    }),
  );
}

/** The same in a list, without what only one of all may have. */
function exampleEntry(message: DescMessage): JsonObject {
  const { requestId: _ofCall, externalId: _ofPartner, ...entry } = exampleRequest(message);
  return entry;
}

/** The contract's own example of a field. */
export function exampleOf(field: DescField): JsonValue | undefined {
  const rules = rulesOf(field);
  return rules && ownExample(field, rules);
}

function exampleValue(field: DescField): JsonValue | undefined {
  const rules = rulesOf(field);
  const example = rules && ownExample(field, rules);
  if (example !== undefined || !rules?.required) {
    return example;
  }
  if (field.fieldKind === "list") {
    return field.message ? [exampleEntry(field.message)] : [];
  }
  if (field.message) {
    return exampleRequest(field.message);
  }
  const isId = rules.type.case === "string" && rules.type.value.wellKnown.case === "uuid";
  return isId ? exampleId : field.name;
}

function ownExample(field: DescField, { type }: FieldRules): JsonValue | undefined {
  switch (type.case) {
    case "string":
    case "int32":
      return type.value.example[0];
    case "enum":
      return field.enum?.value[type.value.example[0] ?? -1]?.name;
    default:
      return undefined;
  }
}
