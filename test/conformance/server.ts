// The server under test, as the conformance suite starts it: it reads from stdin what to offer, and
// writes to stdout where it listens. Both are a message after its length in four bytes.
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { create, createRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { createReadiness } from "@partner-service/health-reflection";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "../../.conformance/gen/connectrpc/conformance/v1/server_compat_pb.ts";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "../../.conformance/gen/connectrpc/conformance/v1/service_pb.ts";
import { createApp } from "../../src/app.ts";
import { readConfig } from "../../src/config/config.ts";
import { createPort } from "../../src/http/port.ts";
import { conformanceService } from "./conformance-service.ts";

const lengthBytes = 4;

/** How many calls the lane took, and how many messages were plain JSON. */
const tally = { "unary-lane.call": 0, "unary-lane.json-read": 0 };
for (const name of ["unary-lane.call", "unary-lane.json-read"] as const) {
  subscribe(name, () => {
    tally[name] += 1;
  });
}

const { useTls, serverCreds, messageReceiveLimit } = fromBinary(
  ServerCompatRequestSchema,
  (await buffer(process.stdin)).subarray(lengthBytes),
);
const defaults = readConfig({});
const app = await createApp(
  {
    ...defaults,
    readMaxBytes: messageReceiveLimit || defaults.readMaxBytes,
  },
  {
    log: { level: "error", stream: process.stderr },
    port: createPort({
      ...defaults,
      tls: useTls && serverCreds !== undefined ? writeTlsFiles(serverCreds) : undefined,
    }),
    readiness: createReadiness(async () => {}, new AbortController().signal),
    validator: createValidator(),
    routes: (router) =>
      router.service(ConformanceService, conformanceService, {
        // The messages hold others (google.protobuf.Any), which JSON names by their type.
        jsonOptions: { registry: createRegistry(file_connectrpc_conformance_v1_service) },
      }),
  },
);
process.once("SIGTERM", () => app.close());
process.once("exit", () => {
  // For the test, which reads what all servers of a run have written.
  appendFileSync(process.env.TALLY_FILE ?? "/dev/null", `${JSON.stringify(tally)}\n`);
});
const { hostname, port } = new URL(await app.listen({ host: defaults.host, port: 0 }));
const response = toBinary(
  ServerCompatResponseSchema,
  create(ServerCompatResponseSchema, {
    host: hostname,
    port: Number(port),
    ...(useTls && serverCreds !== undefined ? { pemCert: serverCreds.cert } : {}),
  }),
);
const length = Buffer.alloc(lengthBytes);
length.writeUInt32BE(response.length);
process.stdout.write(Buffer.concat([length, response]));

function writeTlsFiles({ cert, key }: { readonly cert: Uint8Array; readonly key: Uint8Array }) {
  const directory = mkdtempSync(join(tmpdir(), "partner-conformance-"));
  process.once("exit", () => rmSync(directory, { recursive: true }));
  const files = { certFile: join(directory, "cert.pem"), keyFile: join(directory, "key.pem") };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key, { mode: 0o600 });
  return files;
}
