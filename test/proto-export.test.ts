import { execFileSync } from "node:child_process";
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, fromBinary } from "@bufbuild/protobuf";
import { toText } from "@bufbuild/protobuf/txtpb";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expect, test } from "vitest";
import { file_access_v1_access } from "../gen/access/v1/access_pb.ts";
import { printProtoFile } from "../scripts/print-proto-file.ts";

test("the exported tree compiles on its own, to the rules that the service enforces", () => {
  using directory = mkdtempDisposableSync(join(tmpdir(), "export-"));
  execFileSync(process.execPath, ["scripts/export-protos.ts", directory.path]);

  const compiled = compile(directory.path);

  expect(compiled.map((file) => file.name)).toEqual([
    "access/v1/access.proto",
    "buf/validate/validate.proto",
    "google/rpc/code.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "partner/v1/error.proto",
    "partner/v1/partner.proto",
    "partner/v1/partner_service.proto",
  ]);
  expect(
    compiled.filter((file) => file.name === "buf/validate/validate.proto").map(describeFile),
  ).toEqual([describeFile(file_buf_validate_validate.proto)]);
});

test("a descriptor that cannot be printed whole is refused", () => {
  expect(() => printProtoFile(file_access_v1_access)).toThrow(
    "cannot print field google.protobuf.FileDescriptorProto.syntax",
  );
});

/** The files of a folder that has nothing but .proto files, as buf compiles them. */
function compile(directory: string): FileDescriptorProto[] {
  const bytes = execFileSync(
    "buf",
    ["build", "--exclude-source-info", "--exclude-imports", "--as-file-descriptor-set", "-o", "-"],
    { cwd: directory, maxBuffer: 2 ** 24 },
  );
  return fromBinary(FileDescriptorSetSchema, bytes).file;
}

/** Everything that a descriptor holds, options and unknown fields too, as comparable text. */
function describeFile(file: FileDescriptorProto): string {
  return toText(FileDescriptorProtoSchema, file, {
    registry: createRegistry(file_buf_validate_validate),
    printUnknownFields: true,
  });
}
