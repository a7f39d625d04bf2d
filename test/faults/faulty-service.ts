import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "../support/call-cases.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { protocols } from "../support/protocols.ts";
import { createTokenIssuer, type TokenIssuer, tokenRules } from "../support/tokens.ts";

export type PartnerClient = Client<typeof PartnerService>;

/** The service as a process of its own, that can be ended and started again. */
export interface FaultyService {
  /** Who makes the tokens that it takes. */
  readonly issuer: TokenIssuer;
  /** Where the process that runs now, or ran last, is reached. */
  url(): string;
  /** Clients of the process that runs now, one for each protocol. */
  clients(): readonly PartnerClient[];
  /** The headers of calls for an organization. */
  headers(organization: string): Promise<Headers>;
  /** Starts the process; resolves when it is ready to take calls. */
  start(): Promise<void>;
  /** Ends the process with SIGKILL. */
  kill(): Promise<void>;
  /** Sends SIGTERM and returns the exit code. */
  terminate(): Promise<number | null>;
  /** What /readyz answers. */
  readiness(): Promise<number>;
  /** Ends the process for good. */
  close(): Promise<void>;
}

/** Starts `node src/main.ts` on the database, with the key of the issuer or of a new one. */
export async function startFaultyService(
  databaseUrl: string,
  issuer?: TokenIssuer,
  main = "src/main.ts",
  settings: Readonly<Record<string, string>> = {},
): Promise<FaultyService> {
  const tokens = issuer ?? (await createTokenIssuer());
  const directory = await mkdtemp(join(tmpdir(), "partner-faults-service-"));
  const keyFile = join(directory, "key.json");
  await writeFile(keyFile, JSON.stringify(tokens.publicKey));
  let service: ServiceProcess | undefined;
  let url = "";
  let clients: readonly PartnerClient[] = [];

  async function start(): Promise<void> {
    service = startProcess(main, {
      PORT: "0",
      DATABASE_URL: databaseUrl,
      JWT_PUBLIC_KEY_FILE: keyFile,
      JWT_ISSUER: tokenRules.issuer,
      JWT_AUDIENCE: tokenRules.audience,
      ...settings,
    });
    const [, ready = ""] = await service.waitFor(/"url":"([^"]+)","msg":"ready"/);
    url = ready;
    clients = Object.values(protocols).map((createTransport) =>
      createClient(PartnerService, createTransport(ready)),
    );
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    service?.child.kill(signal);
    return (await service?.ended()) ?? null;
  }

  await start();
  return {
    issuer: tokens,
    url: () => url,
    clients: () => clients,
    headers: async (organization) =>
      callHeaders(await tokens.token({ org_id: organization }), {
        "Requester-Organization-ID": organization,
        "Target-Organization-ID": organization,
      }),
    start,
    kill: async () => {
      await end("SIGKILL");
    },
    terminate: () => end("SIGTERM"),
    readiness: async () => {
      const { status } = await fetch(`${url}/readyz`);
      return status;
    },
    async close() {
      await end("SIGKILL");
      await rm(directory, { recursive: true, force: true });
    },
  };
}
