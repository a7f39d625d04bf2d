import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toJson } from "@bufbuild/protobuf";
import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { PartnerType } from "../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  CreatePartnerResponseSchema,
  PartnerService,
} from "../gen/partner/v1/partner_service_pb.ts";
import { readConfig } from "../src/config.ts";
import { createSandboxToken, sandboxTokenRules } from "../src/sandbox/sandbox-token.ts";
import { type Service, startService } from "../src/service.ts";

/** Creates one partner over each protocol, on a service of its own, and prints what was said. */
async function demo(service: Service, organizationClaim: string): Promise<void> {
  if (service.sandboxKey === undefined) {
    throw new Error("The demo runs on a sandbox.");
  }
  const organization = crypto.randomUUID();
  const rules = sandboxTokenRules(organizationClaim);
  const token = await createSandboxToken(service.sandboxKey, rules, organization);
  const authorize: Interceptor = (next) => (request) => {
    request.header.set("Authorization", `Bearer ${token}`);
    request.header.set("Requester-Organization-ID", organization);
    request.header.set("Target-Organization-ID", organization);
    return next(request);
  };
  const options = { baseUrl: service.url, interceptors: [authorize] };
  const transports: Record<string, Transport> = {
    "Connect, JSON over HTTP/1.1": createConnectTransport({
      ...options,
      httpVersion: "1.1",
      useBinaryFormat: false,
    }),
    "Connect, Protobuf over HTTP/2": createConnectTransport({ ...options, httpVersion: "2" }),
    "gRPC over HTTP/2": createGrpcTransport(options),
    "gRPC-Web over HTTP/1.1": createGrpcWebTransport({ ...options, httpVersion: "1.1" }),
  };
  console.log(`The partner book of organization ${organization}, at ${service.url}`);
  for (const [name, transport] of Object.entries(transports)) {
    const request = create(CreatePartnerRequestSchema, {
      companyName: `Example Supplies (${name})`,
      salesAmount: 150000,
      partnerType: PartnerType.CUSTOMER,
      email: "partner@example.com",
      frequency: "monthly",
      paymentTerms: "Net 30",
      address: "123 Main St, Suite 400",
      city: "New York",
      state: "NY",
      postalCode: "12345",
      companyRegistrationNumber: "123456789",
      countryCode: "US",
    });
    const response = await createClient(PartnerService, transport).createPartner(request);
    console.log(`\n── CreatePartner · ${name} ${"─".repeat(50 - name.length)}`);
    print("→", toJson(CreatePartnerRequestSchema, request));
    print("←", toJson(CreatePartnerResponseSchema, response));
  }
}

function print(arrow: string, json: unknown): void {
  console.log(`${arrow} ${JSON.stringify(json, null, 2).replaceAll("\n", "\n  ")}`);
}

const dataDirectory = await mkdtemp(join(tmpdir(), "partner-demo-"));
try {
  const config = readConfig({ DATA_DIR: dataDirectory, PORT: "0", LOG_LEVEL: "warn" });
  const service = await startService(config, { level: config.logLevel });
  try {
    await demo(service, config.organizationClaim);
  } finally {
    await service.stop();
  }
} finally {
  await rm(dataDirectory, { recursive: true });
}
