import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSandbox } from "../src/sandbox/sandbox.ts";
import { copyCheckout } from "./support/checkout.ts";
import { createPgliteDatabase } from "./support/databases.ts";
import { type ServiceProcess, startProcess } from "./support/process.ts";
import { applyRecipe, readRecipe } from "./support/recipes.ts";
import { examplePartnerJson } from "./support/requests.ts";

const run = promisify(execFile);

/** Calls RPCs of a sandbox in JSON, for an organization of its own. */
async function createCaller(url: string, dataDirectory: string) {
  const organization = randomUUID();
  const sandbox = await openSandbox(dataDirectory, "org_id");
  const token = await sandbox.createToken(organization);
  return async (rpc: string, message: object) => {
    const response = await fetch(`${url}/partner.v1.PartnerService/${rpc}`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${token}`,
        "Requester-Organization-ID": organization,
        "Target-Organization-ID": organization,
      },
      body: JSON.stringify(message),
    });
    // The service writes an object of JSON, whose parts the test compares.
    return (await response.json()) as Record<string, { readonly id?: string }>;
  };
}

/** Follows the recipes of CONTRIBUTING.md in a copy of the tree. */
describe("the recipes of CONTRIBUTING.md", () => {
  const copy = mkdtempSync(join(tmpdir(), "contributing-"));
  let service: ServiceProcess | undefined;

  beforeAll(async () => {
    copyCheckout(copy);
    const document = readFileSync("CONTRIBUTING.md", "utf8");
    for (const heading of ["Add a field", "Add an RPC"]) {
      applyRecipe(copy, readRecipe(document, heading));
    }
    await generate();
  });
  afterAll(() => {
    service?.child.kill("SIGKILL");
    rmSync(copy, { recursive: true });
  });

  /** As `npm run generate`, without the other packages' parts and the console, which stay as they are. */
  async function generate() {
    const fresh = join(copy, "fresh");
    await run(process.execPath, ["scripts/third-party-protos.ts"], { cwd: copy });
    await run("node_modules/.bin/buf", ["generate", "--output", fresh], { cwd: copy });
    cpSync(fresh, copy, { recursive: true });
    rmSync(fresh, { recursive: true });
    await run(process.execPath, ["scripts/references.ts"], { cwd: copy });
  }

  test("leave no type unsaid", async () => {
    const tsc = run("node_modules/.bin/tsc", [], { cwd: copy });
    expect(await tsc.catch((failure) => failure)).toEqual({ stdout: "", stderr: "" });
  });

  test("make a field that is kept and an RPC that answers", async () => {
    await using database = await createPgliteDatabase();
    const dataDirectory = dirname(database.settings.dataDirectory);
    service = startProcess(join(copy, "src/main.ts"), { PORT: "0", DATA_DIR: dataDirectory });
    const [, url = ""] = await service.waitFor(/ready at (\S+)/);
    const call = await createCaller(url, dataDirectory);
    const partner = { ...examplePartnerJson, phone: "+1 212 555 0100" };
    const { partner: created } = await call("CreatePartner", partner);
    expect(created).toMatchObject({ phone: "+1 212 555 0100" });
    const cleared = { partner: { id: created?.id }, updateMask: "phone" };
    expect((await call("UpdatePartner", cleared)).partner).not.toHaveProperty("phone");
    expect(await call("CreatePartner", { ...partner, phone: "1".repeat(31) })).toMatchObject({
      code: "invalid_argument",
    });
    expect(await call("CountPartners", {})).toEqual({ count: 1 });
    service.child.kill("SIGTERM");
    expect(await service.ended()).toBe(0);
  });
});
