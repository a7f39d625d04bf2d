import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReasonSchema } from "../gen/partner/v1/error_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
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
    const calls = [...page.matchAll(/<code>(curl [\s\S]*?)<\/code>/g)].map(([, call = ""]) =>
      call.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&amp;", "&"),
    );
    expect(calls).toHaveLength(PartnerService.methods.length);
    const environment = {
      PATH: process.env.PATH,
      PARTNER_URL: service.url,
      PARTNER_TOKEN: await service.issuer.token(),
      PARTNER_ORGANIZATION: acme,
    };
    const answers = new Map<string, unknown>();
    for (const call of calls) {
      const { stdout } = await run("bash", ["-c", call], { env: environment });
      const [, name = ""] = /PartnerService\/(\w+)/.exec(call) ?? [];
      const { code = "ok" } = JSON.parse(stdout);
      answers.set(name, code);
    }
    expect(Object.fromEntries(answers)).toEqual({
      CreatePartner: "ok",
      // Its example has the request_id of CreatePartner's.
      BatchCreatePartners: "already_exists",
      GetPartner: "not_found",
      ListPartners: "ok",
      UpdatePartner: "not_found",
      DeletePartner: "not_found",
      InvitePartner: "not_found",
      AcceptInvitation: "permission_denied",
    });
  });
});
