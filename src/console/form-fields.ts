import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { DurationSchema, FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import { CreatePartnerRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import { type Rules, readRules } from "./field-rules.ts";

/** A field of a request as the form draws it. */
export interface FormField {
  /** Its place in the request, in the contract's spelling: `partner.city`. */
  readonly path: string;
  readonly name: string;
  readonly jsonName: string;
  readonly rules: Rules;
  readonly input: Input;
}

type Input =
  | { readonly kind: "text" | "number" | "flag" | "duration" | "mask" | "texts" }
  /** What the form has no control for. The items of a list of messages have examples. */
  | { readonly kind: "json"; readonly item: DescMessage | undefined }
  | { readonly kind: "choice" | "choices"; readonly options: readonly Option[] }
  | { readonly kind: "group"; readonly fields: readonly FormField[] };

interface Option {
  readonly label: string;
  readonly value: string;
}

/** The form's fields for a request message, in the contract's order. */
export function formFields(message: DescMessage, prefix = ""): readonly FormField[] {
  return message.fields.filter(isSettable).map((field) => {
    const path = `${prefix}${field.name}`;
    const { name, jsonName } = field;
    return { path, name, jsonName, rules: readRules(field), input: inputFor(field, path) };
  });
}

/** What only the service sets is no part of a form. */
function isSettable(field: DescField): boolean {
  return (
    field.parent !== PartnerSchema ||
    ["id", "etag"].includes(field.name) ||
    CreatePartnerRequestSchema.fields.some(({ name }) => name === field.name)
  );
}

function inputFor(field: DescField, path: string): Input {
  switch (field.fieldKind) {
    case "scalar":
      return { kind: scalarKind(field.scalar) };
    case "enum":
      return { kind: "choice", options: optionsOf(field.enum) };
    case "message":
      return messageInput(field.message, path);
    case "list":
      if (field.listKind === "enum") {
        return { kind: "choices", options: optionsOf(field.enum) };
      }
      return field.listKind === "scalar"
        ? { kind: "texts" }
        : { kind: "json", item: field.message };
    default:
      return { kind: "json", item: undefined };
  }
}

function scalarKind(scalar: ScalarType): "text" | "number" | "flag" {
  switch (scalar) {
    case ScalarType.BOOL:
      return "flag";
    case ScalarType.INT32:
      return "number";
    default:
      return "text";
  }
}

function messageInput(message: DescMessage, path: string): Input {
  switch (message.typeName) {
    case DurationSchema.typeName:
      return { kind: "duration" };
    case FieldMaskSchema.typeName:
      return { kind: "mask" };
    default:
      return { kind: "group", fields: formFields(message, `${path}.`) };
  }
}

function optionsOf(descriptor: DescEnum): readonly Option[] {
  return descriptor.values
    .filter(({ number }) => number !== 0)
    .map(({ name, localName }) => ({ value: name, label: sentence(localName) }));
}

/** A name of the contract as a person writes it: `PAYMENT_TERMS` is "Payment terms". */
export function sentence(name: string): string {
  const words = name.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
