import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import pg from "pg";
import { writeThirdPartyProtos } from "../../scripts/third-party-protos.ts";
import { bearerToken, createVerifier, permittedOrganization, remember } from "./caller.ts";
import { insertPartner } from "./insert.ts";
import { followsRules, type NewPartner } from "./partner.ts";
import { readSettings } from "./settings.ts";

/**
 * A gRPC server as one writes it by hand for speed: @grpc/grpc-js with protobufjs, each token
 * verified once, plain checks, and one prepared INSERT a call.
 */
const settings = readSettings();
const verifyToken = remember(await createVerifier(settings));
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 10 });

/** What a handler throws to answer with another status than OK. */
class StatusError extends Error {
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

async function createPartner(metadata: Metadata, request: Partial<NewPartner>) {
  const header = (name: string) => metadata.get(name)[0]?.toString();
  const claims = await verifyToken(bearerToken(header("authorization"))).catch(() => {
    throw new StatusError(status.UNAUTHENTICATED, "The access token is not accepted.");
  });
  const organization = permittedOrganization(
    claims,
    "partners:write",
    header("requester-organization-id"),
    header("target-organization-id"),
  );
  if (organization === undefined) {
    throw new StatusError(status.PERMISSION_DENIED, "The call is not allowed.");
  }
  if (!followsRules(request)) {
    throw new StatusError(status.INVALID_ARGUMENT, "A field breaks a rule.");
  }
  const { createdAt, updatedAt, ...partner } = await insertPartner(pool, organization, request);
  return {
    partner: { ...partner, createdAt: timestamp(createdAt), updatedAt: timestamp(updatedAt) },
  };
}

function timestamp(text: string) {
  const milliseconds = Date.parse(text);
  return { seconds: Math.floor(milliseconds / 1000), nanos: (milliseconds % 1000) * 1_000_000 };
}

/** The contract as grpc-js takes it: from its .proto files. */
function loadService(): ServiceDefinition {
  const imports = mkdtempSync(join(tmpdir(), "partner-bench-protos-"));
  try {
    writeThirdPartyProtos(imports);
    const definition = loadSync("partner/v1/partner_service.proto", {
      includeDirs: ["proto", imports],
      enums: String,
    });
    // What stands under a service's name is its definition; messages and enums have other names.
    return definition["partner.v1.PartnerService"] as ServiceDefinition;
  } finally {
    rmSync(imports, { recursive: true });
  }
}

const server = new Server();
server.addService(loadService(), {
  createPartner(
    { metadata, request }: ServerUnaryCall<Partial<NewPartner>, object>,
    answer: sendUnaryData<object>,
  ) {
    createPartner(metadata, request).then(
      (response) => answer(null, response),
      (failure: unknown) =>
        answer(
          failure instanceof StatusError
            ? failure
            : { code: status.INTERNAL, details: "internal error" },
        ),
    );
  },
});

process.once("SIGTERM", () => {
  server.tryShutdown(() => pool.end());
});
server.bindAsync(`127.0.0.1:${settings.port}`, ServerCredentials.createInsecure(), (failure) => {
  if (failure !== null) {
    throw failure;
  }
});
