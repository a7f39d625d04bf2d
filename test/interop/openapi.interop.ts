import { randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { openSandbox } from "../../src/sandbox/sandbox.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { copyExample, reasonToSkip, runCommands } from "./workspace.ts";

/** Programs in examples/openapi, and how their README says that they are built and run. */
const examples = [
  {
    generators: "openapi-fetch, hey-api",
    folder: "openapi/typescript",
    needs: "npm",
    registry: "npm",
    build: "npm ci --no-audit --no-fund && npm run generate && npm run check",
    programs: ["node openapi-fetch.ts", "node hey-api.ts"],
  },
  {
    generators: "openapi-python-client",
    folder: "openapi/python",
    needs: "python3",
    registry: "pip",
    build:
      'python3 -m venv "$CACHE/openapi" && . "$CACHE/openapi/bin/activate" && ' +
      "pip install --quiet -r requirements.txt && ./generate.sh",
    programs: ['. "$CACHE/openapi/bin/activate" && python client.py'],
  },
] as const;

describe("a client generated from the OpenAPI document calls every RPC and goes by reasons:", () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), "partner-openapi-"));
  let service: ServiceProcess;
  let url: string;

  beforeAll(async () => {
    service = startProcess("src/main.ts", { PORT: "0", DATA_DIR: dataDirectory });
    [, url = ""] = await service.waitFor(/ready at (\S+)/);
  });
  afterAll(async () => {
    service.child.kill("SIGTERM");
    await service.ended();
    rmSync(dataDirectory, { recursive: true });
  });

  for (const { generators, folder, needs, registry, build, programs } of examples) {
    const skipped = reasonToSkip([needs], registry);
    test.skipIf(skipped !== "")(`${generators}${skipped}`, async ({ signal }) => {
      const copy = copyExample(folder);
      copyFileSync("gen/openapi/openapi.json", join(copy, "openapi.json"));
      await runCommands(build, copy, {}, signal);
      for (const program of programs) {
        const told = await runCommands(program, copy, await twoOrganizations(), signal);
        expect({ program, told: JSON.parse(told) }).toEqual({ program, told: expected });
      }
    });
  }

  test("and there is no RPC that they leave out", () => {
    const { errors: _errors, ...called } = expected;
    const unary = PartnerService.methods.filter(({ methodKind }) => methodKind === "unary");
    expect(Object.keys(called)).toEqual(unary.map(({ name }) => name));
  });

  async function twoOrganizations(): Promise<Record<string, string>> {
    const { createToken } = await openSandbox(dataDirectory, "org_id");
    const [host, guest] = [randomUUID(), randomUUID()];
    return {
      PARTNER_URL: url,
      PARTNER_HOST: host,
      PARTNER_HOST_TOKEN: await createToken(host),
      PARTNER_GUEST: guest,
      PARTNER_GUEST_TOKEN: await createToken(guest),
    };
  }
});

/** What each program prints: something of each RPC's answer, and what it makes of two refusals. */
const expected = {
  CreatePartner: "Example Supplies Ltd",
  BatchCreatePartners: "INVITATION_STATUS_INVITED",
  GetPartner: "New York",
  ListPartners: 2,
  ListPartnerChanges: 2,
  UpdatePartner: "Boston",
  DeletePartner: {},
  InvitePartner: true,
  RevokeInvitation: "INVITATION_STATUS_INVITED",
  GetInvitation: "PARTNER_TYPE_CUSTOMER",
  AcceptInvitation: "INVITATION_STATUS_ACCEPTED",
  ListConnections: "CONNECTION_ROLE_HOST",
  EndConnection: {},
  errors: [["city"], "gone"],
};
