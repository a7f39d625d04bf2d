import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printProtoFile } from "./print-proto-file.ts";

const packagedFiles = {
  "google/rpc/code.proto": import.meta.resolve("google-proto-files/google/rpc/code.proto"),
  "google/rpc/error_details.proto": import.meta.resolve(
    "google-proto-files/google/rpc/error_details.proto",
  ),
  "google/rpc/status.proto": import.meta.resolve("google-proto-files/google/rpc/status.proto"),
  "grpc/health/v1/health.proto": import.meta.resolve(
    "grpc-health-check/proto/health/v1/health.proto",
  ),
  "grpc/reflection/v1/reflection.proto": import.meta.resolve(
    "@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto",
  ),
  "grpc/reflection/v1alpha/reflection.proto": import.meta.resolve(
    "@grpc/reflection/build/proto/grpc/reflection/v1alpha/reflection.proto",
  ),
};

const validateHeader = `// The Protovalidate rules, https://github.com/bufbuild/protovalidate: the complete definitions,
// printed without their comments from the descriptor in the npm package @bufbuild/protovalidate.
//
// Copyright Buf Technologies, Inc. Licensed under the Apache License, Version 2.0:
// http://www.apache.org/licenses/LICENSE-2.0

`;

/**
 * Replaces a folder by an import root that holds the .proto files of others: those that the
 * contract imports or speaks of, and those of the standard services beside it. All come from
 * installed npm packages, so no schema registry is asked.
 */
export function writeThirdPartyProtos(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  for (const [path, source] of Object.entries(packagedFiles)) {
    cpSync(new URL(source), join(directory, path));
  }
  // No npm package ships this one as text. Printed from the evaluator's own descriptor, the rules
  // of the contract are always of the version that enforces them.
  const validate = join(directory, `${file_buf_validate_validate.name}.proto`);
  mkdirSync(dirname(validate), { recursive: true });
  writeFileSync(validate, validateHeader + printProtoFile(file_buf_validate_validate));
}

if (import.meta.main) {
  writeThirdPartyProtos(".proto");
}
