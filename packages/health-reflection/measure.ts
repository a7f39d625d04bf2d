// What it buys to serialize each file once: `node packages/health-reflection/measure.ts`.
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import {
  file_partner_v1_partner_service,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { mountReflection, ServerReflection } from "./src/index.ts";

const calls = 200;
const transport = createRouterTransport((router) => mountReflection(router, [PartnerService], []));
const client = createClient(ServerReflection, transport);
let files: Uint8Array[] = [];

async function ask(): Promise<void> {
  const requests = (async function* () {
    yield {
      messageRequest: { case: "fileContainingSymbol", value: PartnerService.typeName },
    } as const;
  })();
  for await (const { messageResponse } of client.serverReflectionInfo(requests)) {
    if (messageResponse.case === "fileDescriptorResponse") {
      files = messageResponse.value.fileDescriptorProto;
    }
  }
}

async function measure(name: string, work: () => void | Promise<void>): Promise<void> {
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) {
    await work();
  }
  const { user, system } = process.cpuUsage(start);
  console.log(`${name}: ${((user + system) / calls / 1000).toFixed(2)} ms of CPU`);
}

await ask();
const imported = [file_partner_v1_partner_service];
for (const file of imported) {
  imported.push(...file.dependencies.filter((each) => !imported.includes(each)));
}
await measure(`an answer of ${files.length} files, client and server`, ask);
await measure(`to serialize these ${imported.length} files, which each answer did`, () => {
  for (const { proto } of imported) {
    toBinary(FileDescriptorProtoSchema, proto);
  }
});
