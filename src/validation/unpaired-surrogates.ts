import { ScalarType } from "@bufbuild/protobuf";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import type { FieldViolation } from "../errors/service-error.ts";

/**
 * Finds the string fields that hold an unpaired surrogate. JSON can spell one ("\ud800"), but it is
 * no Unicode text: UTF-8 has no form for it, and it would silently turn into U+FFFD on its way to
 * the database. Protobuf's own rule for strings forbids it, so no field has to declare it.
 */
export function findUnpairedSurrogates(message: ReflectMessage, path = ""): FieldViolation[] {
  return message.fields.flatMap((field) => {
    const fieldPath = path === "" ? field.name : `${path}.${field.name}`;
    if (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING) {
      return violationsOf(message.get(field), fieldPath);
    }
    if (field.fieldKind === "message") {
      return message.isSet(field) ? findUnpairedSurrogates(message.get(field), fieldPath) : [];
    }
    if (field.fieldKind === "list" && field.listKind === "message") {
      return [...message.get(field)].flatMap((item, index) =>
        // A list of messages yields reflected messages; the list's type cannot say so.
        findUnpairedSurrogates(item as ReflectMessage, `${fieldPath}[${index}]`),
      );
    }
    if (field.fieldKind === "list" && field.listKind === "scalar") {
      return [...message.get(field)].flatMap((item, index) =>
        violationsOf(item, `${fieldPath}[${index}]`),
      );
    }
    return [];
  });
}

function violationsOf(value: unknown, field: string): FieldViolation[] {
  return typeof value === "string" && !value.isWellFormed()
    ? [{ field, description: "must not hold an unpaired surrogate", reason: "string.unicode" }]
    : [];
}
