import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyCheckout } from "./support/checkout.ts";
import { type ServiceProcess, startProcess } from "./support/process.ts";
import { applyRecipe, readRecipe } from "./support/recipes.ts";
import { examplePartnerJson } from "./support/requests.ts";

const run = promisify(execFile);

/** Calls RPCs of a sandbox in JSON, for an organization of its own. */
async function createCaller(url: string, dataDirectory: string) {
  const organization = randomUUID();
  const { stdout: token } = await run(
    process.execPath,
    ["scripts/token.ts", "--organization", organization],
    { env: { PATH: process.env.PATH, DATA_DIR: dataDirectory } },
  );
  return async (rpc: string, message: object) => {
    const response = await fetch(`${url}/partner.v1.PartnerService/${rpc}`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${token.trim()}`,
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
  const dataDirectory = join(copy, ".data");
  let service: ServiceProcess | undefined;

  beforeAll(async () => {
    copyCheckout(copy);
    const document = readFileSync("CONTRIBUTING.md", "utf8");
    for (const heading of ["Add a field", "Add an RPC"]) {
      applyRecipe(copy, readRecipe(document, heading));
    }
    await run("npm", ["run", "generate"], { cwd: copy });
  });
  afterAll(async () => {
    service?.child.kill("SIGTERM");
    await service?.ended();
    rmSync(copy, { recursive: true });
  });

  test("leave no type unsaid", async () => {
    const { stdout } = await run("npx", ["tsc"], { cwd: copy }).catch((failure) => failure);
    expect(stdout).toBe("");
  });

  test("make a field that is kept and an RPC that answers", async () => {
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
  });
});
