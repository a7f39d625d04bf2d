import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { Health, mountReflection, ServerReflection, ServerReflectionAlpha } from "../src/index.ts";
import { startServer } from "./server.ts";

type Question = Exclude<
  MessageInitShape<typeof ServerReflectionRequestSchema>,
  { $typeName: string }
>["messageRequest"];

/** Asks in one stream. */
async function ask(
  service: typeof ServerReflection | typeof ServerReflectionAlpha,
  questions: readonly Question[],
) {
  const transport = await startServer((router) => mountReflection(router, [Health], []));
  const requests = (async function* () {
    for (const messageRequest of questions) {
      yield create(
        ServerReflectionRequestSchema,
        messageRequest === undefined ? {} : { messageRequest },
      );
    }
  })();
  const answers: unknown[] = [];
  // Both versions are alike; the types of the client tell them apart.
  const client = createClient(service as typeof ServerReflection, transport());
  for await (const { messageResponse } of client.serverReflectionInfo(requests)) {
    answers.push(describe(messageResponse));
  }
  return answers;
}

function describe({ case: kind, value }: ServerReflectionResponse["messageResponse"]): unknown {
  switch (kind) {
    case "fileDescriptorResponse":
      return value.fileDescriptorProto.map(
        (file) => fromBinary(FileDescriptorProtoSchema, file).name,
      );
    case "listServicesResponse":
      return value.service.map(({ name }) => name);
    case "allExtensionNumbersResponse":
      return value.extensionNumber;
    case "errorResponse":
      return value.errorMessage;
    default:
      return kind;
  }
}

const versions = [ServerReflection, ServerReflectionAlpha] as const;
const healthFile = "grpc/health/v1/health.proto";

test.each(versions)("%s lists the services, its own too", async (service) => {
  expect(await ask(service, [{ case: "listServices", value: "" }])).toEqual([
    [Health.typeName, ServerReflection.typeName, ServerReflectionAlpha.typeName],
  ]);
});

test.each(versions)("%s finds files by name and by what is in them", async (service) => {
  expect(
    await ask(service, [
      { case: "fileByFilename", value: healthFile },
      { case: "fileContainingSymbol", value: "grpc.health.v1.Health.Watch" },
      { case: "fileContainingSymbol", value: "grpc.health.v1.HealthCheckRequest" },
      { case: "fileContainingSymbol", value: "nothing" },
      { case: "allExtensionNumbersOfType", value: "grpc.health.v1.HealthCheckRequest" },
      undefined,
    ]),
  ).toEqual([
    [healthFile],
    [healthFile],
    [healthFile],
    "unknown file or symbol",
    [],
    "the request asks for nothing",
  ]);
});

test("A file is serialized once, whoever asks", async () => {
  type Implementation = ServiceImpl<typeof ServerReflection>;
  const mounted: Implementation[] = [];
  const router = {
    service: (_service: unknown, implementation: Implementation) => mounted.push(implementation),
  };
  // The two things that are used of a router and of a call's context.
  mountReflection(router as never, [Health], []);
  const files: unknown[] = [];
  for (const implementation of mounted) {
    const requests = (async function* () {
      yield create(ServerReflectionRequestSchema, {
        messageRequest: { case: "fileByFilename", value: healthFile },
      });
    })();
    for await (const { messageResponse } of implementation.serverReflectionInfo(
      requests,
      {} as never,
    )) {
      files.push(
        messageResponse?.case === "fileDescriptorResponse" &&
          messageResponse.value?.fileDescriptorProto?.[0],
      );
    }
  }
  expect(files).toHaveLength(2);
  expect(files[0]).toBeInstanceOf(Uint8Array);
  expect(files[1]).toBe(files[0]);
});
