import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReasonSchema } from "../gen/partner/v1/error_pb.ts";
import { PartnerSchema, PartnerTypeSchema } from "../gen/partner/v1/partner_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { isStream, outcomesOfSamples, readSamples, type Sample } from "./support/docs-samples.ts";
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

  test("is a page that allows its own style and script, and nothing else", () => {
    const hashOf = (element: string) => {
      const [, source = ""] = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(page) ?? [];
      return `'sha256-${createHash("sha256").update(source).digest("base64")}'`;
    };
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("Content-Security-Policy")).toBe("frame-ancestors 'none'");
    expect(page).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ` +
        `style-src ${hashOf("style")}; script-src ${hashOf("script")}; ` +
        `base-uri 'none'; form-action 'none'">`,
    );
    expect(page.match(/<(?:style|script)\b/g)).toEqual(["<style", "<script"]);
    expect(page).not.toMatch(/\son\w+=|\sstyle=|<link|<img|src=|url\(/);
  });

  test("has an anchor for every RPC, field, value and reason, and no link that leads nowhere", () => {
    const all = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    const ids = new Set(all);
    expect(all).toHaveLength(ids.size);
    const links = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !ids.has(id))).toEqual([]);
    const reasons = ErrorReasonSchema.values.filter(({ number }) => number !== 0);
    const wanted = [
      ...PartnerService.methods.flatMap(({ name, input, output }) => [
        ...[name, input.name, output.name],
        ...[...input.fields, ...output.fields].map((field) => `${field.parent.name}.${field.name}`),
      ]),
      ...PartnerSchema.fields.map(({ name }) => `Partner.${name}`),
      ...PartnerTypeSchema.values.map(({ name }) => name),
      ...reasons.map(({ localName }) => localName),
    ];
    expect(wanted.filter((id) => !ids.has(id))).toEqual([]);
  });

  test("says the rules of fields", () => {
    const [item = ""] =
      /<li id="CreatePartnerRequest.sales_amount">[\s\S]*?<\/li>/.exec(page) ?? [];
    expect(item.replaceAll(/<[^>]+>/g, "").trim()).toBe(
      "sales_amount int32 · required · 0 to 2147483647 · in JSON salesAmount · such as 150000\n" +
        "Annual sales amount with this partner, in whole units of the organization's own currency " +
        "(150000, not 15000000 cents), half a unit rounded up. 0 is a real value, and differs from an " +
        "absent one. Of an amount above 2147483647, send 2147483647.",
    );
  });

  test("has calls in curl that work as pasted", async () => {
    const outcomes: [string, unknown][] = [];
    for (const { rpc, code } of readSamples(page, "curl")) {
      const answer = isStream(rpc)
        ? (await firstOutput(code, await environment())).subarray(5)
        : (await run("bash", ["-c", code], { env: await environment() })).stdout;
      outcomes.push([rpc, JSON.parse(answer.toString()).code ?? "ok"]);
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

/** What a command of the shell prints first; it is ended then. */
async function firstOutput(code: string, env: NodeJS.ProcessEnv): Promise<Buffer> {
  const shell = spawn("bash", ["-c", code], {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [first] = await once(shell.stdout, "data");
  process.kill(-Number(shell.pid));
  return first;
}

function typescriptProgram(samples: readonly Sample[]): string {
  const calls = samples.map(({ rpc, code }) => {
    // Of a stream one message tells enough.
    const body = isStream(rpc)
      ? `${code.replace("console.log(response);", "return response;")} return undefined;`
      : `${code} return response;`;
    return `await outcome("${rpc}", async () => { ${body} });`;
  });
  return `
    import { Code, ConnectError } from "@connectrpc/connect";
    import { createConnectTransport } from "@connectrpc/connect-node";
    import { ConnectionRole, createPartnerClient, PartnerType } from "../../packages/client/src/index.ts";

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
    // The stream is still open.
    process.stdout.write(JSON.stringify(outcomes), () => process.exit());
  `;
}
