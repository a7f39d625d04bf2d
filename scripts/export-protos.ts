// Writes the contract with everything it imports to a folder that a code generator of any language
// can be pointed at: `npm run proto:export -- DIR`.
//
// Left out are google/protobuf/*, which every Protobuf compiler brings along, and the standard gRPC
// services, for which clients have packages of their own.
import { execFileSync } from "node:child_process";
import { writeThirdPartyProtos } from "./third-party-protos.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  throw new Error("usage: npm run proto:export -- DIR");
}
writeThirdPartyProtos(".proto");
execFileSync("buf", ["export", "--exclude-path", ".proto/grpc", "--output", directory], {
  stdio: "inherit",
});
