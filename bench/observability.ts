import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromJsonString } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import {
  type CreatePartnerRequest,
  CreatePartnerRequestSchema,
  PartnerService,
} from "../gen/partner/v1/partner_service_pb.ts";
import { createCalls } from "./calls.ts";
import { startDatabase } from "./database.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

// What the audit trail, metrics, and traces of one call in a hundred cost a create: CPU of the service by the call, each
// variant in turn on one database, in so many rounds. Prints the medians and their ratios.

const rounds = 9;
const callsPerRound = 6000;
const atOnce = 64;

/** A collector that takes everything. */
const collector = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200).end());
});
await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
// A server that listens on a port has an address of this type.
const { port } = collector.address() as AddressInfo;
const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;

const directory = await mkdtemp(join(tmpdir(), "partner-observability-"));
const variants = {
  "all off": {},
  "audit trail in a file": { AUDIT_LOG: join(directory, "audit.log") },
  metrics: { METRICS_PORT: "0", OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: "none" },
  "metrics and traces at 1 %": {
    METRICS_PORT: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.01",
  },
};
const database = await startDatabase();
const servers: ServerProcess[] = [];
try {
  const { publicKey, headers, connect } = await createCalls();
  const request = fromJsonString(CreatePartnerRequestSchema, connect.create.body.toString());
  const publicKeyFile = join(directory, "public-key.pem");
  await writeFile(publicKeyFile, publicKey);
  const loads: { name: string; server: ServerProcess; micros: number[] }[] = [];
  for (const [name, variant] of Object.entries(variants)) {
    const settings = { AUDIT_LOG: "off", ...variant };
    const server = await startContender("service", database, publicKeyFile, { args: [], settings });
    servers.push(server);
    loads.push({ name, server, micros: [] });
  }
  for (let round = -1; round < rounds; round += 1) {
    for (const { server, micros } of loads) {
      const before = await server.cpuMicros();
      await load(server.port, headers, request);
      // The first round warms up.
      if (round >= 0) {
        micros.push(((await server.cpuMicros()) - before) / callsPerRound);
      }
    }
  }
  const base = median(loads[0]?.micros ?? []);
  for (const { name, micros } of loads) {
    const middle = median(micros);
    console.log(
      `${name}: ${middle.toFixed(1)} µs of CPU by the create, ${(middle / base).toFixed(3)}`,
    );
  }
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  await database.stop();
  collector.close();
  collector.closeAllConnections();
  await rm(directory, { recursive: true, force: true });
}

async function load(
  port: number,
  headers: Readonly<Record<string, string>>,
  request: CreatePartnerRequest,
): Promise<void> {
  const baseUrl = `http://127.0.0.1:${port}`;
  const transport = createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false });
  const client = createClient(PartnerService, transport);
  let left = callsPerRound;
  async function call(): Promise<void> {
    while (left > 0) {
      left -= 1;
      await client.createPartner(request, { headers });
    }
  }
  await Promise.all(Array.from({ length: atOnce }, call));
}

function median(numbers: readonly number[]): number {
  return (
    numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN
  );
}
