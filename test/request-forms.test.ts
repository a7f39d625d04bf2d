import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/databases.ts";
import { goodHeaders, type RawHeaders, rawPosts, summarize } from "./support/raw-calls.ts";
import { examplePartnerJson } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { wires } from "./support/wires.ts";

const body = JSON.stringify(examplePartnerJson);
const listPartners = "/partner.v1.PartnerService/ListPartners";
const maxTimeoutMs = 30_000;

/** What the standards let clients write in several ways, on the lane and on Connect's plugin. */
describe("A request's form", () => {
  let database: TestDatabase;
  let services: Readonly<Record<string, TestService>>;

  beforeAll(async () => {
    database = await createTestDatabase("postgresql");
    const shared = { ...database, close: async () => {} };
    services = {
      lane: await startTestService(shared, { unaryLane: true, maxTimeoutMs }),
      plugin: await startTestService(shared, { unaryLane: false, maxTimeoutMs }),
    };
  });
  afterAll(async () => {
    for (const service of Object.values(services)) {
      await service.close();
    }
    await database.close();
  });

  describe.each(["lane", "plugin"])("on the %s", (way) => {
    /** The good headers, with others in the place of those of the same name. */
    async function headersWith(changes: Readonly<Record<string, string>>): Promise<RawHeaders> {
      const token = (await services[way]?.issuer.token()) ?? "";
      const replaced = Object.keys(changes).map((name) => name.toLowerCase());
      const kept = goodHeaders(token).filter(([name]) => !replaced.includes(name.toLowerCase()));
      return [...kept, ...Object.entries(changes)];
    }
    const url = () => services[way]?.url ?? "";

    describe.each(["HTTP/1.1", "HTTP/2"] as const)("over %s", (version) => {
      const post = async (
        changes: Readonly<Record<string, string>>,
        sent: string | Uint8Array = body,
      ) => await rawPosts[version](url(), await headersWith(changes), sent);

      test.each([
        "application/json",
        "application/json; charset=utf-8",
        'application/json; charset="utf-8"',
        "application/json;  charset=utf-8",
        "application/json ;charset=UTF-8",
        "application/json;charset=utf8",
        "Application/JSON",
        "application/json; profile=a",
        'application/json; a="b;c\\"d"; charset=utf-8',
        "application/json;",
      ])("may have the media type %s", async (type) => {
        expect(summarize(await post({ "Content-Type": type }))).toEqual({ status: 200 });
      });

      test.each([
        "application/json; charset=latin1",
        'application/json; charset="utf-16"',
        "application/json; charset",
        "application/json charset=utf-8",
        `application/json${"; ".repeat(4000)}x`,
        "text/json",
      ])("must not have the media type %s", async (type) => {
        const { status } = await post({ "Content-Type": type });
        expect(status).toBe(415);
      });

      test.each(["gzip", "GZIP", "x-gzip", "X-Gzip", "gzip,", ", gzip"])(
        "may be compressed as %s",
        async (coding) => {
          const answer = await post({ "Content-Encoding": coding }, gzipSync(body));
          expect(summarize(answer)).toEqual({ status: 200 });
        },
      );

      test.each(["", ",", "identity", "Identity"])(
        "may be not compressed, as %j",
        async (coding) => {
          expect(summarize(await post({ "Content-Encoding": coding }))).toEqual({ status: 200 });
        },
      );

      test.each([
        ["GZIP", "gzip"],
        ["x-gzip", "gzip"],
        ["gzip;q=0, br", "br"],
        ["gzip;q=0.5, br;q=0.8", "br"],
        ["br, gzip", "br"],
        ["gzip;q=0", undefined],
        ["deflate", undefined],
      ])("may accept answers compressed as %s", async (codings, coding) => {
        const wide = JSON.stringify({
          ...examplePartnerJson,
          address: "x".repeat(500),
          city: "🏭".repeat(100),
        });
        const { headers } = await post({ "Accept-Encoding": codings }, wide);
        expect(headers["content-encoding"]).toBe(coding);
      });

      test.each(["30001", "3600000", "9999999999"])(
        "may have a timeout of %s ms, which is cut to the greatest",
        async (timeout) => {
          expect(summarize(await post({ "Connect-Timeout-Ms": timeout }))).toEqual({ status: 200 });
        },
      );

      test.each(["99999999999", "-1", "1.5", ""])(
        "must not have the timeout %j",
        async (timeout) => {
          expect(summarize(await post({ "Connect-Timeout-Ms": timeout }))).toEqual({
            status: 400,
            code: "invalid_argument",
            reason: "REQUEST_MALFORMED",
          });
        },
      );
    });

    test.each(["30001m", "31S", "1H", "99999999H"])(
      "may have the timeout %s over gRPC and gRPC-Web, which is cut to the greatest",
      async (timeout) => {
        for (const name of ["gRPC JSON, HTTP/2", "gRPC-Web JSON, HTTP/1.1"]) {
          const headers = await headersWith({ "Grpc-Timeout": timeout });
          const outcome = await wires[name]?.send(
            url(),
            headers,
            wires[name].frame(Buffer.from(body)),
          );
          expect(outcome).toHaveProperty("partner");
        }
      },
    );

    describe.each(["HTTP/1.1", "HTTP/2"] as const)("by GET over %s", (version) => {
      const get = async (query: string) => {
        const all = await headersWith({ "Content-Type": "" });
        const headers = all.filter(([name]) => name !== "Content-Type");
        const path = `${listPartners}?connect=v1&${query}`;
        const { status, body: answered } = await rawPosts[version](url(), headers, "", {
          method: "GET",
          path,
        });
        const { code, message } = JSON.parse(answered.toString());
        return { status, code, message };
      };
      const invalid = (message: string) => ({ status: 400, code: "invalid_argument", message });

      test("needs a message", async () => {
        const lacks = invalid("The query has no parameter message.");
        expect(await get("encoding=json")).toEqual(lacks);
        expect(await get("encoding=proto")).toEqual(lacks);
      });

      test("must have base64 where it says so", async () => {
        const bad = invalid("The query's parameter message is not base64.");
        expect(await get("encoding=json&base64=1&message=%21%21")).toEqual(bad);
        expect(await get("encoding=proto&base64=1&message=A")).toEqual(bad);
        expect(await get("encoding=json&base64=1&message=e30")).toMatchObject({ status: 200 });
        expect(await get("encoding=json&base64=1&message=e30%3D")).toMatchObject({ status: 200 });
      });

      test("must have UTF-8", async () => {
        const bad = invalid("The query is not UTF-8 in percent-encoding.");
        expect(await get("encoding=json&message=%7B%22pageToken%22:%22%FC%22%7D")).toEqual(bad);
        expect(await get("encoding=json&message={}&x=%")).toEqual(bad);
        expect(await get("encoding=json&base64=1&message=eyJwYWdlVG9rZW4iOiL8In0")).toMatchObject({
          status: 400,
          code: "invalid_argument",
        });
      });
    });

    test("needs no host over HTTP/1.0", async () => {
      const socket = connect(Number(new URL(url()).port), "127.0.0.1");
      const headers = await headersWith({ "Content-Length": String(Buffer.byteLength(body)) });
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(
        `POST /partner.v1.PartnerService/CreatePartner HTTP/1.0\r\n${lines.join("")}\r\n${body}`,
      );
      const [head, answered = ""] = (await text(socket)).split("\r\n\r\n");
      expect(head).toContain("HTTP/1.1 200 OK");
      expect(JSON.parse(answered)).toMatchObject({ partner: examplePartnerJson });
    });

    // Over HTTP/1.1 Node's own parser refuses them.
    test("must not have raw bytes in its target, over HTTP/2", async () => {
      const { status, body: answered } = await rawPosts["HTTP/2"](
        url(),
        await headersWith({}),
        "",
        {
          method: "GET",
          path: `${listPartners}?encoding=json&message={"pageToken":"\xfc"}`,
        },
      );
      expect({ status, answer: JSON.parse(answered.toString()) }).toEqual({
        status: 400,
        answer: expect.objectContaining({
          code: "invalid_argument",
          message: "The request's target holds what is no character of a URI.",
        }),
      });
    });

    test("tells a stranger nothing of what is wrong with the query", async () => {
      const { status } = await rawPosts["HTTP/1.1"](url(), [], "", {
        method: "GET",
        path: `${listPartners}?encoding=json`,
      });
      expect(status).toBe(401);
    });
  });
});
