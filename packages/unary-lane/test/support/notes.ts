import { create, createFileRegistry, type DescService } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
  FieldDescriptorProto_Label as Label,
  type MethodDescriptorProto,
  MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

type Init = Partial<
  Pick<FieldDescriptorProto, "type" | "label" | "typeName" | "proto3Optional" | "oneofIndex">
>;

const string = { type: Type.STRING };
const note = { type: Type.MESSAGE, typeName: ".notes.v1.Note" };

function field(name: string, number: number, init: Init) {
  const jsonName = name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return { name, number, jsonName, label: Label.OPTIONAL, ...init };
}

function method(
  name: string,
  more: Partial<Pick<MethodDescriptorProto, "options" | "serverStreaming">> = {},
) {
  return { name, inputType: ".notes.v1.Note", outputType: ".notes.v1.Note", ...more };
}

/**
 * A service whose messages are plain, and messages that hold what else there is:
 *
 * ```proto
 * message Note { string text = 1; int32 count = 2; Kind kind = 3; string second_text = 4; }
 * message Page {
 *   repeated Note notes = 1; google.protobuf.Timestamp created_at = 2;
 *   optional int32 total_size = 3; Note first = 4;
 * }
 * ```
 */
const ownTypes = [file_google_protobuf_duration, file_google_protobuf_timestamp];
const file = create(FileDescriptorProtoSchema, {
  name: "notes/v1/notes.proto",
  package: "notes.v1",
  syntax: "proto3",
  dependency: ownTypes.map(({ proto }) => proto.name),
  enumType: [
    {
      name: "Kind",
      value: [
        { name: "KIND_UNSPECIFIED", number: 0 },
        { name: "KIND_SHORT", number: 1 },
      ],
    },
  ],
  messageType: [
    {
      name: "Note",
      field: [
        field("text", 1, string),
        field("count", 2, { type: Type.INT32 }),
        field("kind", 3, { type: Type.ENUM, typeName: ".notes.v1.Kind" }),
        field("second_text", 4, string),
      ],
    },
    {
      name: "Page",
      field: [
        field("notes", 1, { ...note, label: Label.REPEATED }),
        field("created_at", 2, { type: Type.MESSAGE, typeName: ".google.protobuf.Timestamp" }),
        field("total_size", 3, { type: Type.INT32, proto3Optional: true, oneofIndex: 0 }),
        field("first", 4, note),
      ],
      oneofDecl: [{ name: "_total_size" }],
    },
    { name: "Flag", field: [field("set", 1, { type: Type.BOOL })] },
    {
      name: "Choice",
      field: [
        field("text", 1, { ...string, oneofIndex: 0 }),
        field("count", 2, { type: Type.INT32, oneofIndex: 0 }),
      ],
      oneofDecl: [{ name: "kind" }],
    },
    {
      name: "Lasting",
      field: [field("time", 1, { type: Type.MESSAGE, typeName: ".google.protobuf.Duration" })],
    },
  ],
  service: [
    {
      name: "NoteService",
      method: [
        method("Write"),
        method("Read", {
          options: create(MethodOptionsSchema, {
            idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
          }),
        }),
        method("Watch", { serverStreaming: true }),
      ],
    },
  ],
});

const registry = createFileRegistry(
  file,
  (name) => ownTypes.find(({ proto }) => proto.name === name)?.proto,
);

function found<T>(descriptor: T | undefined): T {
  if (descriptor === undefined) {
    throw new Error("The registry lacks what its file declares.");
  }
  return descriptor;
}

export const noteService: DescService = found(registry.getService("notes.v1.NoteService"));

function schema(name: string) {
  return found(registry.getMessage(`notes.v1.${name}`));
}

export const noteSchema = schema("Note");
export const pageSchema = schema("Page");
export const flagSchema = schema("Flag");
export const choiceSchema = schema("Choice");
export const lastingSchema = schema("Lasting");
