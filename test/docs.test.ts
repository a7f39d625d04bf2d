import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReasonSchema } from "../gen/partner/v1/error_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { outcomesOfSamples, readSamples, type Sample } from "./support/docs-samples.ts";
import { acme } from "./support/organizations.ts";
import { startTestService, type TestService } from "./support/service.ts";

const run = promisify(execFile);

describe("the API reference at /docs", () => {
  let service: TestService;
  let response: Response;
  let page: string;

  beforeAll(async () => {
    service = await startTestService("postgresql");
    response = await fetch(`${service.url}/docs`);
    page = await response.text();
  });
  afterAll(async () => {
    await service?.close();
  });

  test("is a page that allows its own style, and nothing else", () => {
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const hash = createHash("sha256").update(style).digest("base64");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("Content-Security-Policy")).toBe("frame-ancestors 'none'");
    expect(page).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ` +
        `style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">`,
    );
    expect(page).not.toMatch(/<script|\son\w+=|\sstyle=|<link|<img|src=|url\(/);
  });

  test("has every RPC, every reason, and no link that leads nowhere", () => {
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const links = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !ids.has(id))).toEqual([]);
    expect(PartnerService.methods.filter(({ name }) => !ids.has(name))).toEqual([]);
    const reasons = ErrorReasonSchema.values.filter(({ number }) => number !== 0);
    expect(
      reasons.filter(({ localName }) => !page.includes(`<td><code>${localName}</code></td>`)),
    ).toEqual([]);
  });

  test("says the rules of fields", () => {
    expect(page).toContain(
      "<td><code>sales_amount</code></td><td><code>salesAmount</code></td><td>int32</td>" +
        "<td>required; 0 to 2147483647</td><td>Annual sales amount with this partner.",
    );
  });

  test("has calls in curl that work as pasted", async () => {
    const outcomes: [string, unknown][] = [];
    for (const { rpc, code } of readSamples(page, "curl")) {
      const { stdout } = await run("bash", ["-c", code], { env: await environment() });
      outcomes.push([rpc, JSON.parse(stdout).code ?? "ok"]);
    }
    expect(Object.fromEntries(outcomes)).toEqual(outcomesOfSamples);
  });

  test("has calls in TypeScript that are of the client's types, and do the same", async () => {
    // In the project's folder, where its packages are found.
    await mkdir(".data", { recursive: true });
    const directory = await mkdtemp(resolve(".data/samples-"));
    try {
      await writeFile(
        join(directory, "calls.ts"),
        typescriptProgram(readSamples(page, "TypeScript")),
      );
      const settings = { extends: "../../tsconfig.json", include: ["."] };
      await writeFile(join(directory, "tsconfig.json"), JSON.stringify(settings));
      await run("npx", ["tsc", "--project", directory]);
      const { stdout } = await run(process.execPath, [join(directory, "calls.ts")], {
        env: await environment(),
      });
      expect(JSON.parse(stdout)).toEqual(outcomesOfSamples);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  const environment = async () => ({
    PATH: process.env.PATH,
    PARTNER_URL: service.url,
    PARTNER_TOKEN: await service.issuer.token(),
    PARTNER_ORGANIZATION: acme,
  });
});

function typescriptProgram(samples: readonly Sample[]): string {
  const calls = samples.map(
    ({ rpc, code }) => `await outcome("${rpc}", async () => { ${code} return response; });`,
  );
  return `
    import { Code, ConnectError } from "@connectrpc/connect";
    import { createConnectTransport } from "@connectrpc/connect-node";
    import { createPartnerClient, PartnerType } from "../../packages/client/src/index.ts";

    const partners = createPartnerClient({
      transport: createConnectTransport({
        baseUrl: process.env["PARTNER_URL"] ?? "",
        httpVersion: "1.1",
      }),
      token: process.env["PARTNER_TOKEN"] ?? "",
      organization: process.env["PARTNER_ORGANIZATION"] ?? "",
    });
    const outcomes: Record<string, string> = {};
    async function outcome(rpc: string, call: () => Promise<unknown>): Promise<void> {
      outcomes[rpc] = await call().then(() => "ok", nameOf);
    }
    function nameOf(failure: unknown): string {
      const { code } = ConnectError.from(failure);
      return (Code[code] ?? "").replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
    }
    ${calls.join("\n")}
    console.log(JSON.stringify(outcomes));
  `;
}
