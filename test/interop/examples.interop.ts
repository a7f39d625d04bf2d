import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { type Client, clients, followers } from "./clients.ts";
import { startLanguages, startScript } from "./sample-programs.ts";
import {
  buildClient,
  emptyFolder,
  exportContract,
  reasonToSkip,
  runCommands,
} from "./workspace.ts";

const dataDirectory = mkdtempSync(join(tmpdir(), "partner-interop-"));
const organization = "7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f";
let service: ServiceProcess;
let settings: Record<string, string>;

beforeAll(async () => {
  exportContract();
  service = startProcess("src/main.ts", { PORT: "0", DATA_DIR: dataDirectory });
  const [, url = ""] = await service.waitFor(/ready at (\S+)/);
  settings = {
    PARTNER_URL: url,
    PARTNER_TOKEN: await printToken(organization),
    PARTNER_ORGANIZATION: organization,
  };
});

afterAll(async () => {
  service.child.kill("SIGTERM");
  await service.ended();
  rmSync(dataDirectory, { recursive: true });
});

async function printToken(caller: string): Promise<string> {
  const args = ["--organization", caller];
  const command = startProcess("scripts/token.ts", { DATA_DIR: dataDirectory }, args);
  expect({ code: await command.ended(), output: command.output() }).toEqual({
    code: 0,
    output: expect.stringMatching(/^\S+\n$/),
  });
  return command.output().trim();
}

describe("a client generated from the contract creates a partner and reads two refusals:", () => {
  for (const client of clients) {
    const skipped = reasonToSkip(client.needs);
    test.skipIf(skipped !== "")(`${client.name}${skipped}`, async ({ signal }) => {
      expect(await printedBy(client, signal)).toBe(
        "created Example Supplies Ltd invited\n" +
          "invalid_argument FIELD_INVALID city\n" +
          "permission_denied SCENARIO_NOT_ALLOWED\n",
      );
    });
  }
});

describe("a client that keeps a copy of a book is told of a change:", () => {
  for (const client of followers) {
    const skipped = reasonToSkip(client.needs);
    test.skipIf(skipped !== "")(`${client.name}${skipped}`, async ({ signal }) => {
      expect(await printedBy(client, signal)).toBe("sandbox changed Example Supplies Ltd\n");
    });
  }
});

describe("the API reference, with nothing else, leads from nothing to each of its calls:", () => {
  for (const { language, needs, registry } of startLanguages) {
    const skipped = reasonToSkip(needs, registry);
    test.skipIf(skipped !== "")(`${language}${skipped}`, async ({ signal }) => {
      const page = await (await fetch(`${settings.PARTNER_URL}/docs`)).text();
      const { script, rpcs } = startScript(page, language);
      expect(rpcs).toEqual(PartnerService.methods.map(({ name }) => name));
      const [caller, guest] = [randomUUID(), randomUUID()];
      const callers = {
        ...settings,
        PARTNER_ORGANIZATION: caller,
        PARTNER_TOKEN: await printToken(caller),
        PARTNER_GUEST: guest,
        PARTNER_GUEST_TOKEN: await printToken(guest),
      };
      const printed = await runCommands(script, emptyFolder("start"), callers, signal);
      // What UpdatePartner has changed.
      expect(printed).toMatch(/payment_?terms: ?['"]Net 60['"]/i);
    });
  }
});

test("docs/clients.md has a cell for each client", () => {
  const cells = readFileSync("docs/clients.md", "utf8").match(/(?<=\| )`test:interop`/g);
  expect(cells).toHaveLength(clients.length);
});

async function printedBy(client: Client, signal: AbortSignal): Promise<string> {
  const copy = await buildClient(client, signal);
  return runCommands(client.run, copy, settings, signal);
}
