import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { create, type DescFile, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import {
  anyUnpack,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as connectWeb from "@connectrpc/connect-web";
import {
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ServerReflection } from "@partner-service/health-reflection";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";
import { InvitationStatus } from "../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  PartnerService,
} from "../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "./support/call-cases.ts";
import { failureOf } from "./support/outcome.ts";
import { examplePartner, examplePartnerJson, partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

const run = promisify(execFile);

let service: TestService;
let headers: Headers;

beforeAll(async () => {
  service = await startTestService("postgresql");
  headers = callHeaders(await service.issuer.token());
});
afterAll(async () => {
  await service?.close();
});

describe("@grpc/grpc-js", () => {
  /** The good request with the contract's field names, which grpc-js keeps. */
  const exampleFields = Object(
    toJson(CreatePartnerRequestSchema, partnerRequest(), {
      useProtoFieldName: true,
      enumAsInteger: true,
    }),
  );

  /** A client as grpc-js makes it from descriptors, with no code of connect-es. */
  function createGrpcClient() {
    const set = create(FileDescriptorSetSchema, { file: filesOf(PartnerService.file) });
    const definition = loadFileDescriptorSetFromBuffer(
      Buffer.from(toBinary(FileDescriptorSetSchema, set)),
    );
    // grpc-js types a loaded package as a tree of unknown shape; this is where the service is.
    const { v1 } = loadPackageDefinition(definition).partner as { v1: GrpcObject };
    const Client = v1.PartnerService as ServiceClientConstructor;
    return new Client(new URL(service.url).host, credentials.createInsecure());
  }

  function createPartner(request: object): Promise<unknown> {
    const client = createGrpcClient();
    const metadata = new Metadata();
    headers.forEach((value, name) => {
      metadata.set(name, value);
    });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    client.createPartner?.(request, metadata, (error: ServiceError | null, response: unknown) =>
      error === null ? resolve(response) : reject(error),
    );
    return promise.finally(() => client.close());
  }

  test("creates a partner", async () => {
    expect(await createPartner(exampleFields)).toMatchObject({
      partner: {
        company_name: "Example Supplies Ltd",
        invitation_status: InvitationStatus.INVITED,
      },
    });
  });

  test("decodes the details of an error from grpc-status-details-bin", async () => {
    const error: ServiceError = await createPartner({ ...exampleFields, city: "" }).then(
      () => Promise.reject(new Error("The call was expected to fail.")),
      (reason) => reason,
    );
    const [bytes] = error.metadata.get("grpc-status-details-bin");
    const { code, details } = fromBinary(StatusSchema, Buffer.from(bytes ?? ""));
    const [info, badRequest] = details;
    expect({
      code,
      grpcCode: error.code,
      message: error.details,
      reason: info && anyUnpack(info, ErrorInfoSchema)?.reason,
      fields:
        badRequest &&
        anyUnpack(badRequest, BadRequestSchema)?.fieldViolations.map(({ field }) => field),
    }).toEqual({
      code: 3,
      grpcCode: 3,
      message: "city (value is required)",
      reason: "FIELD_INVALID",
      fields: ["city"],
    });
  });
});

test.each([
  ["google.rpc.ErrorInfo", "google/rpc/error_details.proto"],
  ["google.rpc.BadRequest", "google/rpc/error_details.proto"],
  ["google.rpc.RetryInfo", "google/rpc/error_details.proto"],
  ["partner.v1.ErrorReason", "partner/v1/error.proto"],
])("Reflection knows %s, which errors carry", async (symbol, file) => {
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: service.url }));
  async function* ask() {
    yield { messageRequest: { case: "fileContainingSymbol", value: symbol } } as const;
  }
  const answers = await Array.fromAsync(client.serverReflectionInfo(ask()));
  const names = answers.flatMap(({ messageResponse }) =>
    messageResponse.case === "fileDescriptorResponse"
      ? messageResponse.value.fileDescriptorProto.map(
          (bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name,
        )
      : [],
  );
  expect(names).toContain(file);
});

describe("buf curl, with nothing but reflection", () => {
  test.each([
    ["connect", "v1"],
    ["grpc", "v1"],
    ["grpcweb", "v1"],
    ["grpc", "v1alpha"],
  ])("creates a partner over %s (reflection %s)", async (protocol, reflection) => {
    const { stdout } = await run("buf", [
      "curl",
      "--http2-prior-knowledge",
      ...["--protocol", protocol, "--reflect-protocol", `grpc-${reflection}`],
      ...[...headers].flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
      ...["-d", JSON.stringify(examplePartnerJson)],
      `${service.url}/partner.v1.PartnerService/CreatePartner`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      partner: { companyName: "Example Supplies Ltd", salesAmount: 150000 },
    });
  });

  test("lists the services", async () => {
    const { stdout } = await run("buf", [
      ...["curl", "--http2-prior-knowledge", "--list-services", service.url],
    ]);
    expect(stdout.trim().split("\n").sort()).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "partner.v1.PartnerService",
    ]);
  });
});

describe("@connectrpc/connect-web", () => {
  test.each([
    ["Connect", connectWeb.createConnectTransport],
    ["gRPC-Web", connectWeb.createGrpcWebTransport],
  ])("creates a partner, and reads an error's details, over %s", async (_name, createTransport) => {
    const client = createClient(PartnerService, createTransport({ baseUrl: service.url }));
    const { partner } = await client.createPartner(examplePartner, { headers });
    expect(partner).toMatchObject(examplePartner);
    expect(
      await failureOf(client.createPartner(partnerRequest({ city: "" }), { headers })),
    ).toEqual({
      code: "InvalidArgument",
      reason: "FIELD_INVALID",
      violations: ["city: required"],
    });
  });
});

/** A file and all that it imports, imports first. */
function filesOf(file: DescFile): DescFile["proto"][] {
  const files = new Set<DescFile["proto"]>();
  const add = ({ dependencies, proto }: DescFile): void => {
    dependencies.forEach(add);
    files.add(proto);
  };
  add(file);
  return [...files];
}
