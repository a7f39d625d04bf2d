// A plugin for `buf generate` that writes the references for people and programs that do not read
// Protobuf, from the descriptors and their comments.
import { create } from "@bufbuild/protobuf";
import { CodeGeneratorResponse_Feature, CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";
import { runNodeJs } from "@bufbuild/protoplugin";
import { readContract } from "./reference/contract.ts";
import { createOpenApi } from "./reference/openapi.ts";
import { createPage } from "./reference/page.ts";

runNodeJs({
  name: "protoc-gen-reference",
  version: "v1",
  run(request) {
    const contract = readContract(request);
    return create(CodeGeneratorResponseSchema, {
      supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
      file: [
        {
          name: "openapi/openapi.json",
          content: `${JSON.stringify(createOpenApi(contract), null, 2)}\n`,
        },
        { name: "docs/index.html", content: createPage(contract) },
      ],
    });
  },
});
