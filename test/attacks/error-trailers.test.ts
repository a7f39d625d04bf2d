import type { IncomingHttpHeaders } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goodHeaders, rawPosts } from "../support/raw-calls.ts";
import { examplePartnerJson } from "../support/requests.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { envelope } from "../support/wires.ts";

/** What gRPC's clients take, in all: the names and values, and 32 bytes for each. */
const clientsLimit = 8192;

function sizeOf(headers: IncomingHttpHeaders): number {
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + Buffer.byteLength(String(value)) + 32,
    0,
  );
}

const factory = "🏭";
const paths = (count: number, path: string) => Array.from({ length: count }, () => path).join(",");

describe("The trailers of an error", () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService("postgresql");
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each<[string, string, unknown]>([
    ["a number that is a long text", "CreatePartner", { salesAmount: factory.repeat(10_000) }],
    ["an enum's name that is long", "CreatePartner", { partnerType: factory.repeat(10_000) }],
    ["all fields missing", "CreatePartner", {}],
    ["a batch of bad entries", "BatchCreatePartners", { requests: Array(100).fill({}) }],
    [
      "20 unknown paths of 64 emoji",
      "UpdatePartner",
      { partner: { id: crypto.randomUUID() }, updateMask: paths(20, factory.repeat(64)) },
    ],
    [
      "one unknown path of 10,000 emoji",
      "UpdatePartner",
      { partner: { id: crypto.randomUUID() }, updateMask: factory.repeat(10_000) },
    ],
  ])("are short for %s", async (_what, rpc, message) => {
    const { headers, trailers, body } = await rawPosts["HTTP/2"](
      service.url,
      [
        ...goodHeaders(await service.issuer.token()).slice(1),
        ["Content-Type", "application/grpc+json"],
      ],
      envelope(Buffer.from(JSON.stringify(message))),
      { path: `/partner.v1.PartnerService/${rpc}` },
    );
    expect(body.byteLength).toBe(0);
    expect(trailers["grpc-status"]).toBe("3");
    expect(sizeOf(headers) + sizeOf(trailers)).toBeLessThan(clientsLimit);
  });

  test.each([
    // V8 quotes the beginning of what is no JSON, and cuts characters in two.
    ["that is no JSON", "🏭".repeat(10)],
    ["with half a character for a name", '{"\\ud83c": 1}'],
    ["with half a character for an enum's name", '{"partnerType": "\\ud83c"}'],
    ["with half a character in a path", '{"partner": {}, "updateMask": "\\ud83c"}'],
  ])("are there for a message %s", async (_what, message) => {
    const rpc = message.includes("updateMask") ? "UpdatePartner" : "CreatePartner";
    const token = await service.issuer.token();
    const send = async (type: string, body: string | Uint8Array) =>
      await rawPosts["HTTP/2"](
        service.url,
        [...goodHeaders(token).slice(1), ["Content-Type", type]],
        body,
        { path: `/partner.v1.PartnerService/${rpc}` },
      );
    const grpc = await send("application/grpc+json", envelope(Buffer.from(message)));
    expect(grpc.trailers["grpc-status"] ?? grpc.headers["grpc-status"]).toBe("3");
    const web = await send("application/grpc-web+json", envelope(Buffer.from(message)));
    expect(web.body.toString("latin1")).toContain("grpc-status: 3");
    const connect = await send("application/json", message);
    expect(JSON.parse(connect.body.toString())).toMatchObject({ code: "invalid_argument" });
  });

  test("are short for a long path that cannot be decoded", async () => {
    const { headers } = await rawPosts["HTTP/2"](
      service.url,
      [["Content-Type", "application/grpc"]],
      "",
      { path: `/%zz${"%25".repeat(4000)}` },
    );
    expect(headers["grpc-status"]).toBe("3");
    expect(sizeOf(headers)).toBeLessThan(clientsLimit);
  });

  test("are short for a compression with a long name", async () => {
    const { headers, trailers } = await rawPosts["HTTP/2"](
      service.url,
      [
        ...goodHeaders(await service.issuer.token()).slice(1),
        ["Content-Type", "application/grpc+json"],
        ["Grpc-Encoding", "x".repeat(10_000)],
      ],
      envelope(Buffer.from(JSON.stringify(examplePartnerJson)), 1),
    );
    expect(trailers["grpc-status"]).toBe("12");
    expect(sizeOf(headers) + sizeOf(trailers)).toBeLessThan(clientsLimit);
  });
});
