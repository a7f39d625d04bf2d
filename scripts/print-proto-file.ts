import {
  createRegistry,
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type MessageShape,
  type Registry,
} from "@bufbuild/protobuf";
import {
  isReflectMessage,
  protoCamelCase,
  qualifiedName,
  type ReflectMessage,
  reflect,
} from "@bufbuild/protobuf/reflect";
import { fromText, toText } from "@bufbuild/protobuf/txtpb";
import {
  EnumOptionsSchema,
  EnumValueOptionsSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileOptionsSchema,
  MessageOptionsSchema,
  OneofOptionsSchema,
} from "@bufbuild/protobuf/wkt";

/**
 * Prints a descriptor as the text of a .proto file that compiles to the same descriptor. The text
 * has no comments, for the descriptors that programs carry have none.
 *
 * Knows the parts of proto2 that buf/validate/validate.proto is made of.
 *
 * @throws Error if the descriptor holds anything else, or an option that neither the file nor its
 * imports declare.
 */
export function printProtoFile(file: DescFile): string {
  assertPrintable(reflect(FileDescriptorProtoSchema, file.proto));
  const registry = createRegistry(file);
  const sections = [
    ['syntax = "proto2";'],
    [`package ${file.proto.package};`],
    file.proto.dependency.map((path) => `import "${path}";`),
    optionStatements(FileOptionsSchema, file.proto.options, registry),
    ...file.extensions.map((extension) =>
      block(`extend .${extension.extendee.typeName}`, fieldStatement(extension, registry)),
    ),
    ...file.messages.map((message) => messageDefinition(message, registry)),
    ...file.enums.map((enumeration) => enumDefinition(enumeration, registry)),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

const printable = new Set(
  [
    "FileDescriptorProto: name package dependency options extension message_type enum_type",
    "DescriptorProto: name options field oneof_decl extension_range reserved_range reserved_name",
    "FieldDescriptorProto: name number label type type_name extendee oneof_index json_name options",
    "OneofDescriptorProto: name options",
    "DescriptorProto.ExtensionRange: start end",
    "DescriptorProto.ReservedRange: start end",
    "EnumDescriptorProto: name options value reserved_range reserved_name",
    "EnumValueDescriptorProto: name number options",
    "EnumDescriptorProto.EnumReservedRange: start end",
  ].flatMap((line) => {
    const [message, fields = ""] = line.split(": ");
    return fields.split(" ").map((field) => `google.protobuf.${message}.${field}`);
  }),
);

function assertPrintable(descriptor: ReflectMessage): void {
  for (const field of descriptor.fields.filter((candidate) => descriptor.isSet(candidate))) {
    if (!printable.has(qualifiedName(field))) {
      throw new Error(`cannot print ${field.toString()}`);
    }
    // Only lists are followed: the one singular message is `options`, which is printed whole.
    if (field.fieldKind === "list") {
      [...descriptor.get(field)].filter((item) => isReflectMessage(item)).forEach(assertPrintable);
    }
  }
}

function messageDefinition(message: DescMessage, registry: Registry): string[] {
  const { proto } = message;
  return block(`message ${message.name}`, [
    ...optionStatements(MessageOptionsSchema, proto.options, registry),
    ...reservedStatements(proto.reservedRange.map(messageRange), proto.reservedName),
    ...message.members.flatMap((member) =>
      member.kind === "field"
        ? fieldStatement(member, registry)
        : block(`oneof ${member.name}`, [
            ...optionStatements(OneofOptionsSchema, member.proto.options, registry),
            ...member.fields.flatMap((field) => fieldStatement(field, registry)),
          ]),
    ),
    ...proto.extensionRange.map((extensions) => `extensions ${messageRange(extensions)};`),
  ]);
}

function enumDefinition(enumeration: DescEnum, registry: Registry): string[] {
  const { proto } = enumeration;
  return block(`enum ${enumeration.name}`, [
    ...optionStatements(EnumOptionsSchema, proto.options, registry),
    ...reservedStatements(
      proto.reservedRange.map(({ start, end }) => range(start, end, 2 ** 31 - 1)),
      proto.reservedName,
    ),
    ...enumeration.values.flatMap((value) =>
      withOptions(
        `${value.name} = ${value.number}`,
        optionAssignments(EnumValueOptionsSchema, value.proto.options, registry),
      ),
    ),
  ]);
}

function fieldStatement(field: DescField | DescExtension, registry: Registry): string[] {
  const { proto } = field;
  const label = field.oneof ? "" : `${FieldDescriptorProto_Label[proto.label].toLowerCase()} `;
  const type = proto.typeName || FieldDescriptorProto_Type[proto.type].toLowerCase();
  const options = optionAssignments(FieldOptionsSchema, proto.options, registry);
  if (proto.jsonName !== protoCamelCase(proto.name)) {
    options.unshift(`json_name = ${JSON.stringify(proto.jsonName)}`);
  }
  return withOptions(`${label}${type} ${proto.name} = ${proto.number}`, options);
}

function withOptions(declaration: string, options: string[]): string[] {
  const list = options.length > 0 ? ` [${options.join(", ")}]` : "";
  return `${declaration}${list};`.split("\n");
}

function optionStatements<Desc extends DescMessage>(
  schema: Desc,
  options: MessageShape<Desc> | undefined,
  registry: Registry,
): string[] {
  return optionAssignments(schema, options, registry).flatMap((assignment) =>
    `option ${assignment};`.split("\n"),
  );
}

/**
 * `name = value` for each option that is set. The language writes a value as the text format does,
 * so only the names at the top differ: `[extension]: value` there, `(extension) = value` here.
 */
function optionAssignments<Desc extends DescMessage>(
  schema: Desc,
  options: MessageShape<Desc> | undefined,
  registry: Registry,
): string[] {
  if (options === undefined) {
    return [];
  }
  const text = toText(schema, options, { registry, printUnknownFields: true });
  // Unknown fields are printed by number, which fromText refuses.
  fromText(schema, text, { registry });
  return text
    .trim()
    .split(/\n(?=[^ }])/)
    .map((entry) => entry.replace(/^\[(.*?)\]/, "($1)").replace(": ", " = "));
}

function reservedStatements(ranges: string[], names: string[]): string[] {
  return [
    ...ranges.map((numbers) => `reserved ${numbers};`),
    ...names.map((name) => `reserved ${JSON.stringify(name)};`),
  ];
}

/** The end is exclusive in the ranges of messages, and inclusive in those of enums. */
function messageRange({ start, end }: { start: number; end: number }): string {
  return range(start, end - 1, 2 ** 29 - 1);
}

function range(first: number, last: number, max: number): string {
  return first === last ? `${first}` : `${first} to ${last === max ? "max" : last}`;
}

function block(head: string, lines: string[]): string[] {
  return [`${head} {`, ...lines.map((line) => `  ${line}`), "}"];
}
