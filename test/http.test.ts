import { gzipSync } from "node:zlib";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { callHeaders } from "./support/call-cases.ts";
import { acme, globex } from "./support/organizations.ts";
import { errorJson } from "./support/outcome.ts";
import { type RawHeaders, rawPosts } from "./support/raw-calls.ts";
import { examplePartnerJson } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

const path = "/partner.v1.PartnerService/CreatePartner";

/** The bodies below are written by hand: they say what no client library would send. */
describe("JSON over HTTP", () => {
  let service: TestService;
  let token: string;

  beforeAll(async () => {
    service = await startTestService("postgresql", {
      corsOrigins: ["https://app.example.com"],
      corsHeaders: ["X-Tenant"],
    });
    token = await service.issuer.token();
  });
  afterAll(async () => {
    await service?.close();
  });

  async function post(
    body: string | Uint8Array<ArrayBuffer>,
    changes: Record<string, string | undefined> = {},
  ) {
    const headers = callHeaders(token, { "Content-Type": "application/json", ...changes });
    const response = await fetch(`${service.url}${path}`, {
      method: "POST",
      headers,
      body,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: JSON.parse(text) };
  }

  function partnerJson(changes: Record<string, unknown> = {}): string {
    return JSON.stringify({ ...examplePartnerJson, ...changes });
  }

  const invalidField = (field: string, reason: string) => ({
    status: 400,
    code: "invalid_argument",
    reason: "FIELD_INVALID",
    violations: [{ field, reason }],
  });

  function summarize({ status, json }: Awaited<ReturnType<typeof post>>) {
    const details: { debug: Record<string, unknown> }[] = json.details ?? [];
    // The debug form is what a person reads in the answer.
    const violations = details[1]?.debug.fieldViolations as
      | { field: string; reason: string }[]
      | undefined;
    return {
      status,
      code: json.code,
      reason: details[0]?.debug.reason,
      violations: violations?.map(({ field, reason }) => ({ field, reason })),
    };
  }

  test("answers a good call with the partner, microseconds included", async () => {
    const { status, json } = await post(partnerJson());
    expect(status).toBe(200);
    const { id, createdAt, updatedAt, ...rest } = json.partner;
    expect(rest).toEqual({
      ...examplePartnerJson,
      organizationId: acme,
      invitationStatus: "INVITATION_STATUS_INVITED",
      etag: "r1",
    });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(updatedAt).toBe(createdAt);
    expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?Z$/);
  });

  test.each([
    ["a number that does not fit", { salesAmount: 2147483648 }, "sales_amount", "type"],
    ["a fraction", { salesAmount: 1.5 }, "sales_amount", "type"],
    ["a number in place of a text", { city: 7 }, "city", "type"],
    ["an unknown partner type", { partnerType: "FRIEND" }, "partner_type", "enum.unknown"],
    ["a name that the contract does not know", { nickname: "Ex" }, "nickname", "field.unknown"],
    ["an empty text", { city: "" }, "city", "required"],
    ["U+0000", { companyName: "a\u0000b" }, "company_name", "string.not_contains"],
    ["an unpaired surrogate", { companyName: "a\ud800b" }, "company_name", "type"],
    [
      "an unpaired surrogate in an optional text",
      { countryCode: "\udfff" },
      "country_code",
      "type",
    ],
  ])("names the field that holds %s", async (_name, changes, field, reason) => {
    const answer = summarize(await post(partnerJson(changes)));
    expect(answer).toEqual(invalidField(field, reason));
  });

  test.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["a list", "[]"],
    ["a text", '"partner"'],
    ["bytes that are no UTF-8", new Uint8Array([0xff, 0xfe])],
  ])("answers a body that is %s with INVALID_ARGUMENT", async (_name, body) => {
    const { status, json } = await post(body);
    expect({ status, code: json.code }).toEqual({ status: 400, code: "invalid_argument" });
  });

  test("accepts a body of 64 KiB, and refuses one byte more", async () => {
    const body = partnerJson();
    const padded = (bytes: number) => body + " ".repeat(bytes - Buffer.byteLength(body));
    expect((await post(padded(65_536))).status).toBe(200);
    expect(summarize(await post(padded(65_537)))).toEqual({
      status: 429,
      code: "resource_exhausted",
      reason: "MESSAGE_TOO_LARGE",
      violations: undefined,
    });
  });

  test("refuses a compressed body that is over 64 KiB once decompressed", async () => {
    const bomb = gzipSync(partnerJson() + " ".repeat(50_000_000));
    expect(bomb.byteLength).toBeLessThan(65_536);
    const { status, json } = await post(bomb, { "Content-Encoding": "gzip" });
    expect({ status, code: json.code }).toEqual({ status: 429, code: "resource_exhausted" });
  });

  test("never tells a stranger what is wrong with a body", async () => {
    for (const body of ["{", partnerJson({ city: "" }), "x".repeat(70_000)]) {
      const answer = summarize(await post(body, { Authorization: undefined }));
      expect(answer).toEqual({
        status: 401,
        code: "unauthenticated",
        reason: "ACCESS_TOKEN_MISSING",
        violations: undefined,
      });
    }
  });

  test("asks for a bearer token with WWW-Authenticate", async () => {
    const { headers } = await post(partnerJson(), { Authorization: undefined });
    expect(headers.get("WWW-Authenticate")).toBe("Bearer");
  });

  test.each<["HTTP/1.1" | "HTTP/2", RawHeaders]>([
    ["HTTP/1.1", [["Host", "partners:99999"]]],
    ["HTTP/2", [[":authority", "partners:99999"]]],
    // The first of the two is the one that counts.
    [
      "HTTP/2",
      [
        [":authority", "partners:99999"],
        ["host", "partners"],
      ],
    ],
  ])("refuses a host over %s that is none: %j", async (version, headers) => {
    const { status, body } = await rawPosts[version](service.url, headers);
    const answer = errorJson(
      "invalid_argument",
      "REQUEST_MALFORMED",
      "The request names no valid host.",
    );
    expect({ status, body: JSON.parse(body.toString()) }).toEqual({ status: 400, body: answer });
  });

  test("answers an unknown RPC with UNIMPLEMENTED", async () => {
    const response = await fetch(`${service.url}/partner.v1.PartnerService/Nothing`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    expect({ status: response.status, json: await response.json() }).toEqual({
      status: 404,
      json: errorJson("unimplemented", "RPC_NOT_FOUND", "There is no such RPC."),
    });
  });

  test("answers an unknown RPC over gRPC-Web in its own form", async () => {
    const { status, headers } = await fetch(`${service.url}/partner.v1.PartnerService/Nothing`, {
      method: "POST",
      headers: { "Content-Type": "application/grpc-web+proto" },
    });
    expect({
      status,
      type: headers.get("Content-Type"),
      code: headers.get("Grpc-Status"),
      message: headers.get("Grpc-Message"),
      reason: findTrailerError(headers)?.findDetails(ErrorInfoSchema)[0]?.reason,
    }).toEqual({
      status: 200,
      type: "application/grpc-web",
      code: "12",
      message: "There%20is%20no%20such%20RPC.",
      reason: "RPC_NOT_FOUND",
    });
  });

  test.each([
    ["an unknown media type", 415, "POST", "text/csv", "in this media type"],
    ["the media type of streams", 415, "POST", "application/connect+json", "in this media type"],
    ["a GET of what changes something", 405, "GET", undefined, "by this HTTP method"],
  ])("says what it does not serve: %s", async (_what, status, method, type, what) => {
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: type === undefined ? {} : { "Content-Type": type },
      body: method === "GET" ? null : "a",
    });
    const message = expect.stringContaining(what);
    expect({ status: response.status, json: await response.json() }).toEqual({
      status,
      json: errorJson("unimplemented", "REQUEST_UNSUPPORTED", message),
    });
  });

  test("says that a GET is without its message", async () => {
    const { "Content-Type": _, ...headers } = Object.fromEntries(callHeaders(token));
    const response = await fetch(
      `${service.url}/partner.v1.PartnerService/ListPartners?connect=v1&encoding=json`,
      { headers },
    );
    expect({ status: response.status, json: await response.json() }).toEqual({
      status: 400,
      json: errorJson(
        "invalid_argument",
        "MESSAGE_MALFORMED",
        "The query has no parameter message.",
      ),
    });
  });

  test.each([
    ["takes a sane request id", "order-42.a:b", "order-42.a:b"],
    ["replaces one that could break a log", "a b", undefined],
    ["replaces one that is too long", "a".repeat(129), undefined],
  ])("%s", async (_name, sent, returned) => {
    const { headers } = await post(partnerJson(), { "X-Request-Id": sent });
    const id = headers.get("X-Request-Id");
    if (returned === undefined) {
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
    } else {
      expect(id).toBe(returned);
    }
  });

  test("lets pages of configured origins call, and no others", async () => {
    const preflight = async (origin: string) => {
      const response = await fetch(`${service.url}${path}`, {
        method: "OPTIONS",
        headers: {
          Origin: origin,
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "authorization,requester-organization-id",
        },
      });
      return response.headers.get("Access-Control-Allow-Origin");
    };
    expect(await preflight("https://app.example.com")).toBe("https://app.example.com");
    expect(await preflight("https://evil.example.com")).toBeNull();
  });

  test("lets pages send what traces are continued by, and the headers that are configured", async () => {
    const headers = ["traceparent", "tracestate", "baggage", "x-tenant", "x-other"];
    const response = await fetch(`${service.url}${path}`, {
      method: "OPTIONS",
      headers: {
        Origin: "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers.join(","),
      },
    });
    const allowed = response.headers.get("Access-Control-Allow-Headers")?.toLowerCase().split(", ");
    expect(headers.filter((header) => allowed?.includes(header))).toEqual(headers.slice(0, 4));
  });

  test("lets no page of another origin call where none is configured", async () => {
    const closed = await startTestService("postgresql");
    const headers = { Origin: "https://app.example.com", "Access-Control-Request-Method": "POST" };
    const preflight = await fetch(`${closed.url}${path}`, { method: "OPTIONS", headers });
    const call = await fetch(`${closed.url}/healthz`, { headers });
    await closed.close();
    expect(preflight.ok).toBe(false);
    for (const response of [preflight, call]) {
      expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
  });

  test("logs one line for each call, also for those that fail early, and nothing personal", async () => {
    const [, payload = ""] = token.split(".");
    const { sub: subject } = JSON.parse(Buffer.from(payload, "base64url").toString());
    const caller = { requester: acme, target: acme, subject };
    const stranger = { "Target-Organization-ID": globex };
    const calls: [string, Parameters<typeof post>, Record<string, unknown>][] = [
      ["good", [partnerJson()], { code: "ok", ...caller }],
      [
        "no-token",
        [partnerJson(), { Authorization: undefined }],
        { code: "unauthenticated", reason: "ACCESS_TOKEN_MISSING" },
      ],
      ["no-json", ["{"], { code: "invalid_argument", reason: "MESSAGE_MALFORMED", ...caller }],
      [
        "too-large",
        ["x".repeat(70_000)],
        { code: "resource_exhausted", reason: "MESSAGE_TOO_LARGE", ...caller },
      ],
      [
        "stranger",
        [partnerJson(), stranger],
        { code: "permission_denied", reason: "SCENARIO_NOT_ALLOWED", ...caller, target: globex },
      ],
    ];
    for (const [requestId, [body, headers]] of calls) {
      await post(body, { ...headers, "X-Request-Id": requestId });
    }
    await expect.poll(() => service.log.some((line) => line.requestId === "stranger")).toBe(true);
    for (const [requestId, , told] of calls) {
      const lines = service.log.filter((line) => line.requestId === requestId);
      expect(lines).toEqual([
        {
          level: 30,
          time: expect.any(Number),
          pid: process.pid,
          hostname: expect.any(String),
          requestId,
          protocol: "connect",
          rpc: path.slice(1),
          ...told,
          durationMs: expect.any(Number),
          msg: "call",
        },
      ]);
    }
    const text = JSON.stringify(service.log);
    expect(text).not.toContain(token);
    expect(text).not.toContain(examplePartnerJson.email);
  });

  test("tells whether the process lives, and whether it can take calls", async () => {
    const get = async (probe: string) => {
      const response = await fetch(`${service.url}${probe}`);
      return { status: response.status, json: await response.json() };
    };
    expect(await get("/healthz")).toEqual({ status: 200, json: { status: "alive" } });
    expect(await get("/readyz")).toEqual({ status: 200, json: { status: "ready" } });
  });
});
