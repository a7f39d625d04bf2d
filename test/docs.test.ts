import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReasonSchema } from "../gen/partner/v1/error_pb.ts";
import { PartnerSchema, PartnerTypeSchema } from "../gen/partner/v1/partner_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { isStream, readSamples } from "./support/docs-samples.ts";
import { acme, globex } from "./support/organizations.ts";
import { startTestService, type TestService } from "./support/service.ts";

const run = promisify(execFile);

describe("the API reference at /docs", () => {
  let service: TestService;
  let response: Response;
  let page: string;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "partner-docs-"));
    service = await startTestService("postgresql");
    response = await fetch(`${service.url}/docs`);
    page = await response.text();
  });
  afterAll(async () => {
    await service?.close();
    await rm(folder, { recursive: true });
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

  test("has calls in curl that work as they are, one after the other", async () => {
    const calls = readSamples(page, "curl");
    expect(calls.map(({ name }) => name)).toEqual(PartnerService.methods.map(({ name }) => name));
    const script = calls
      .filter(({ name }) => !isStream(name))
      .map(({ code }) => `${code}\necho\necho "${mark}"`)
      .join("\n");
    const { stdout } = await run("bash", ["-c", script], { env: await environment(), cwd: folder });
    const answers = stdout.split(`\n${mark}\n`).slice(0, -1);
    expect(answers.map((answer) => JSON.parse(answer).code ?? "ok")).toEqual(
      Array(calls.length - 1).fill("ok"),
    );
  });

  test("has a stream in curl that begins with the whole book", async () => {
    const [stream] = readSamples(page, "curl").filter(({ name }) => isStream(name));
    const first = await firstOutput(stream?.code ?? "", await environment());
    expect(JSON.parse(first.subarray(5).toString())).toMatchObject({ changes: expect.any(Array) });
  });

  test("has a call by buf that works as it is", async () => {
    const [call] = readSamples(page, "buf");
    const { stdout } = await run("bash", ["-c", call?.code ?? ""], { env: await environment() });
    expect(Object.keys(JSON.parse(stdout))).toContain("partners");
  });

  test("asks for no package that only its repository has", () => {
    expect(page).not.toContain("@partner-service/");
  });

  test("has the contract's files to download", async () => {
    const command = `curl -s "$PARTNER_URL/protos.tar" | tar -x`;
    await run("bash", ["-c", command], { env: await environment(), cwd: folder });
    for (const path of ["partner/v1/partner_service.proto", "access/v1/access.proto"]) {
      expect(await readFile(join(folder, "proto", path), "utf8")).toBe(
        await readFile(join("proto", path), "utf8"),
      );
    }
    const files = globSync("**/*.proto", { cwd: join(folder, "proto") });
    expect(files).toContain("buf/validate/validate.proto");
    expect(files).toContain("google/rpc/error_details.proto");
  });

  const environment = async () => ({
    PATH: process.env.PATH,
    PARTNER_URL: service.url,
    PARTNER_TOKEN: await service.issuer.token(),
    PARTNER_ORGANIZATION: acme,
    PARTNER_GUEST_TOKEN: await service.issuer.token({ org_id: globex }),
    PARTNER_GUEST: globex,
  });
});

/** What parts the answers to calls. */
const mark = "---";

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
