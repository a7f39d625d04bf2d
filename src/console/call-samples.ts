import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { DurationSchema, FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { requesterHeader, targetHeader } from "../interceptors/organization-headers.ts";

/** What a shell is to put on a call: values, or the names of variables with them. */
export interface CallSettings {
  readonly url: string;
  readonly token: string;
  readonly requester: string;
  readonly target: string;
}

export interface CallSample {
  readonly language: "curl" | "TypeScript" | "Go" | "Python";
  readonly code: string;
}

/**
 * A call of the RPC in each language. In TypeScript `partners` is what createPartnerClient makes; in Go
 * `client` and in Python `stub` are generated from the contract.
 */
export function callSamples(
  method: DescMethod,
  request: JsonObject,
  settings: CallSettings,
): readonly CallSample[] {
  return [
    { language: "curl", code: curl(method, request, settings) },
    { language: "TypeScript", code: typescript(method, request) },
    { language: "Go", code: go(method, request) },
    { language: "Python", code: python(method, request) },
  ];
}

function curl(method: DescMethod, request: JsonObject, settings: CallSettings): string {
  const headers = (type: string) =>
    [
      `"${settings.url}/${method.parent.typeName}/${method.name}"`,
      `  -H "Content-Type: ${type}"`,
      `  -H "Authorization: Bearer ${settings.token}"`,
      `  -H "${requesterHeader}: ${settings.requester}"`,
      `  -H "${targetHeader}: ${settings.target}"`,
    ].join(" \\\n");
  if (isStream(method)) {
    // A message of a stream has five bytes in front: a flag, and its length.
    const text = JSON.stringify(request);
    return `printf '\\0\\0\\0\\0\\${text.length.toString(8)}${text}' |
  curl --no-buffer ${headers("application/connect+json")} \\
  --data-binary @-`;
  }
  return `curl ${headers("application/json")} \\
  -d '${JSON.stringify(request, null, 2).replaceAll("'", "'\\''")}'`;
}

function typescript(method: DescMethod, request: JsonObject): string {
  const syntax: Syntax = {
    open: () => "{",
    close: "}",
    name: (field) => `${field.localName}: `,
    enum: ({ enum: type }, value) => {
      const localName = type?.values.find(({ name }) => name === value)?.localName;
      return `${type?.name}.${localName}`;
    },
    long: (value) => `${value}n`,
    flag: String,
    optional: (_field, value) => value,
    list: (_field, items) => `[${items}]`,
  };
  const call = `partners.${method.localName}(${literal(method.input, request, syntax)})`;
  return isStream(method)
    ? `for await (const response of ${call}) {\n    console.log(response);\n}`
    : `const response = await ${call};`;
}

function go(method: DescMethod, request: JsonObject): string {
  const syntax: Syntax = {
    open: (message) => `&${goType(message)}{`,
    close: "}",
    name: ({ name }) => `${pascalCase(name)}: `,
    enum: ({ enum: type }, value) => `partnerv1.${type?.name}_${value}`,
    long: String,
    flag: String,
    optional: ({ scalar }, value) =>
      `proto.${scalar === ScalarType.STRING ? "String" : "Int32"}(${value})`,
    list: ({ message, enum: type }, items) => {
      const name = type === undefined ? "string" : `partnerv1.${type.name}`;
      return `[]${message === undefined ? name : `*${goType(message)}`}{${items}}`;
    },
  };
  const call = `client.${method.name}(ctx, ${literal(method.input, request, syntax)})`;
  return isStream(method)
    ? `stream, err := ${call}\nfor err == nil && stream.Receive() {\n    fmt.Println(stream.Msg())\n}`
    : `response, err := ${call}`;
}

function python(method: DescMethod, request: JsonObject): string {
  const syntax: Syntax = {
    open: (message) => `${message.name}(`,
    close: ")",
    name: ({ name }) => `${name}=`,
    enum: (_field, value) => value,
    long: String,
    flag: (value) => (value ? "True" : "False"),
    optional: (_field, value) => value,
    list: (_field, items) => `[${items}]`,
  };
  const message = literal(method.input, request, syntax);
  const call = `stub.${method.name}(\n${indent(message)},\n    metadata=metadata,\n)`;
  return isStream(method) ? `for response in ${call}:\n    print(response)` : `response = ${call}`;
}

function goType({ typeName, name }: DescMessage): string {
  switch (typeName) {
    case DurationSchema.typeName:
      return `durationpb.${name}`;
    case FieldMaskSchema.typeName:
      return `fieldmaskpb.${name}`;
    default:
      return `partnerv1.${name}`;
  }
}

/** Whether the RPC answers with a stream. */
function isStream({ methodKind }: DescMethod): boolean {
  return methodKind === "server_streaming";
}

/** How a language writes a message. */
interface Syntax {
  open(message: DescMessage): string;
  readonly close: string;
  name(field: DescField): string;
  enum(field: DescField, value: string): string;
  /** A whole number of 64 bits. */
  long(value: string): string;
  flag(value: boolean): string;
  /** The value of a field that tells absent from empty. */
  optional(field: DescField, value: string): string;
  /** A list, of the items that are written already. */
  list(field: DescField, items: string): string;
}

function literal(message: DescMessage, value: JsonObject, syntax: Syntax): string {
  const lines = message.fields.flatMap((field) => {
    const part = value[field.jsonName];
    return part === undefined ? [] : [`${syntax.name(field)}${valueLiteral(field, part, syntax)},`];
  });
  const body = lines.length > 0 ? `\n${indent(lines.join("\n"))}\n` : "";
  return `${syntax.open(message)}${body}${syntax.close}`;
}

function valueLiteral(field: DescField, value: JsonValue, syntax: Syntax): string {
  if (field.fieldKind === "list" && Array.isArray(value)) {
    const items = value.map((item) => itemLiteral(field, item, syntax));
    return syntax.list(field, items.join(", "));
  }
  const text = itemLiteral(field, value, syntax);
  return field.proto.proto3Optional ? syntax.optional(field, text) : text;
}

/** What is not of the field's type is written as the JSON that it is. */
function itemLiteral(field: DescField, value: JsonValue, syntax: Syntax): string {
  if (field.message !== undefined) {
    const members = membersOf(field.message, value);
    return members === undefined ? JSON.stringify(value) : literal(field.message, members, syntax);
  }
  if (field.enum !== undefined) {
    return syntax.enum(field, String(value));
  }
  if (typeof value === "boolean") {
    return syntax.flag(value);
  }
  return field.scalar === ScalarType.INT64 ? syntax.long(String(value)) : JSON.stringify(value);
}

/** The members of a message. Durations and field masks are texts in JSON. */
function membersOf({ typeName }: DescMessage, value: JsonValue): JsonObject | undefined {
  if (typeof value === "string" && typeName === DurationSchema.typeName) {
    return { seconds: value.replace(/s$/, "") };
  }
  if (typeof value === "string" && typeName === FieldMaskSchema.typeName) {
    return { paths: value.split(",").map(snakeCase) };
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
