import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { exampleRequest } from "./examples.ts";

/** A call of the RPC in each language, with the contract's examples. */
export function callSamples(method: DescMethod): readonly { language: string; code: string }[] {
  const request = exampleRequest(method.input);
  return [
    { language: "curl", code: curl(method, request) },
    { language: "TypeScript", code: typescript(method, request) },
    { language: "Go", code: go(method, request) },
    { language: "Python", code: python(method, request) },
  ];
}

function curl(method: DescMethod, request: JsonObject): string {
  if (isStream(method)) {
    // A message of a stream has five bytes in front: a flag, and its length.
    const text = JSON.stringify(request);
    return `printf '\\0\\0\\0\\0\\${text.length.toString(8)}${text}' |
  curl --no-buffer "$PARTNER_URL/${method.parent.typeName}/${method.name}" \\
  -H "Content-Type: application/connect+json" \\
  -H "Authorization: Bearer $PARTNER_TOKEN" \\
  -H "Requester-Organization-ID: $PARTNER_ORGANIZATION" \\
  -H "Target-Organization-ID: $PARTNER_ORGANIZATION" \\
  --data-binary @-`;
  }
  return `curl "$PARTNER_URL/${method.parent.typeName}/${method.name}" \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer $PARTNER_TOKEN" \\
  -H "Requester-Organization-ID: $PARTNER_ORGANIZATION" \\
  -H "Target-Organization-ID: $PARTNER_ORGANIZATION" \\
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
    open: (message) => `&partnerv1.${message.name}{`,
    close: "}",
    name: ({ name }) => `${pascalCase(name)}: `,
    enum: ({ enum: type }, value) => `partnerv1.${type?.name}_${value}`,
    optional: ({ scalar }, value) =>
      `proto.${scalar === ScalarType.STRING ? "String" : "Int32"}(${value})`,
    list: ({ message }, items) => `[]*partnerv1.${message?.name}{${items}}`,
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
    optional: (_field, value) => value,
    list: (_field, items) => `[${items}]`,
  };
  const message = literal(method.input, request, syntax);
  const call = `stub.${method.name}(\n${indent(message)},\n    metadata=metadata,\n)`;
  return isStream(method) ? `for response in ${call}:\n    print(response)` : `response = ${call}`;
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
  /** The value of a field that tells absent from empty. */
  optional(field: DescField, value: string): string;
  /** A list of messages. */
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
    const items = value.map((item) => messageLiteral(field, item, syntax));
    return syntax.list(field, items.join(", "));
  }
  if (field.message !== undefined) {
    return messageLiteral(field, value, syntax);
  }
  const text = field.enum === undefined ? JSON.stringify(value) : syntax.enum(field, String(value));
  return field.proto.proto3Optional ? syntax.optional(field, text) : text;
}

function messageLiteral({ message }: DescField, value: JsonValue, syntax: Syntax): string {
  if (message === undefined || typeof value !== "object" || value === null) {
    throw new Error(`The samples cannot write ${JSON.stringify(value)}.`);
  }
  return literal(message, Object(value), syntax);
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
