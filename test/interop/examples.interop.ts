import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomesOfSamples, readSamples } from "../support/docs-samples.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { type Client, clients, followers } from "./clients.ts";
import { samplePrograms } from "./sample-programs.ts";
import {
  addContract,
  copyExample,
  exportContract,
  missingCommands,
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
    PARTNER_TOKEN: await printToken(),
    PARTNER_ORGANIZATION: organization,
  };
});

afterAll(async () => {
  service.child.kill("SIGTERM");
  await service.ended();
  rmSync(dataDirectory, { recursive: true });
});

async function printToken(): Promise<string> {
  const args = ["--organization", organization];
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
      expect(await printedBy(client, signal)).toBe("changed Example Supplies Ltd\n");
    });
  }
});

describe("the calls that the API reference shows come to the same as those in curl:", () => {
  const page = readFileSync("gen/docs/index.html", "utf8");
  for (const { language, folder, needs, build, file, write, run } of samplePrograms) {
    const skipped = reasonToSkip(needs);
    test.skipIf(skipped !== "")(`${language}${skipped}`, async ({ signal }) => {
      const copy = copyExample(folder);
      addContract(copy);
      mkdirSync(dirname(join(copy, file)));
      writeFileSync(join(copy, file), write(readSamples(page, language)));
      await runCommands(build, copy, {}, signal);
      expect(JSON.parse(await runCommands(run, copy, settings, signal))).toEqual(outcomesOfSamples);
    });
  }
});

test("docs/clients.md has a cell for each client", () => {
  const cells = readFileSync("docs/clients.md", "utf8").match(/(?<=\| )`test:interop`/g);
  expect(cells).toHaveLength(clients.length);
});

/** What to add to a test's name that cannot run here. */
function reasonToSkip(needs: readonly string[]): string {
  const missing = missingCommands(needs);
  return missing.length === 0 ? "" : ` – SKIPPED, not installed: ${missing.join(", ")}`;
}

async function printedBy({ folder, build, run }: Client, signal: AbortSignal): Promise<string> {
  const copy = copyExample(folder);
  addContract(copy);
  await runCommands(build, copy, {}, signal);
  return runCommands(run, copy, settings, signal);
}
