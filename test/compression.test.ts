import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ServerReflectionRequestSchema } from "@partner-service/health-reflection";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  brotliOptions,
  createTurns,
  gzipOptions,
} from "../packages/connect-http/src/compression.ts";
import { createTestDatabase, type TestDatabase } from "./support/databases.ts";
import { goodHeaders, rawPosts } from "./support/raw-calls.ts";
import { examplePartnerJson } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { envelope } from "./support/wires.ts";

const codings = {
  gzip: {
    compress: (bytes: Uint8Array) => gzipSync(bytes, gzipOptions),
    decompress: gunzipSync,
  },
  br: {
    compress: (bytes: Uint8Array) => brotliCompressSync(bytes, brotliOptions),
    decompress: brotliDecompressSync,
  },
} as const;

const createPartner = "/partner.v1.PartnerService/CreatePartner";
const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const wide = JSON.stringify({ ...examplePartnerJson, address: "🏭".repeat(500) });
const askForFile = toBinary(
  ServerReflectionRequestSchema,
  create(ServerReflectionRequestSchema, {
    messageRequest: { case: "fileContainingSymbol", value: "partner.v1.PartnerService" },
  }),
);

/** What is called, in which protocol: content type, HTTP version, the header of codings, the body. */
const calls = [
  ["Connect", "application/json", "HTTP/1.1", "Accept-Encoding", createPartner, wide],
  ["Connect", "application/json", "HTTP/2", "Accept-Encoding", createPartner, wide],
  [
    "gRPC",
    "application/grpc+json",
    "HTTP/2",
    "Grpc-Accept-Encoding",
    createPartner,
    envelope(Buffer.from(wide)),
  ],
  [
    "gRPC-Web",
    "application/grpc-web+json",
    "HTTP/1.1",
    "Grpc-Accept-Encoding",
    createPartner,
    envelope(Buffer.from(wide)),
  ],
] as const;

describe("An answer's compression", () => {
  let database: TestDatabase;
  let services: Readonly<Record<string, TestService>>;

  beforeAll(async () => {
    database = await createTestDatabase("postgresql");
    const shared = { ...database, close: async () => {} };
    services = {
      lane: await startTestService(shared, { unaryLane: true }),
      plugin: await startTestService(shared, { unaryLane: false }),
    };
  });
  afterAll(async () => {
    for (const service of Object.values(services)) {
      await service.close();
    }
    await database.close();
  });

  describe.each(["lane", "plugin"])("on the %s", (way) => {
    describe.each(calls)("of %s (%s, %s)", (_name, type, version, header, path, body) => {
      test.each(["gzip", "br"] as const)("costs no more than is set, with %s", async (coding) => {
        const { url = "", issuer } = services[way] ?? {};
        const headers = goodHeaders((await issuer?.token()) ?? "").filter(
          ([name]) => name !== "Content-Type",
        );
        const answer = await rawPosts[version](
          url,
          [...headers, ["Content-Type", type], [header, coding]],
          body,
          { path },
        );
        const { compress, decompress } = codings[coding];
        const compressed = type === "application/json" ? answer.body : firstMessage(answer.body);
        const plain = decompress(compressed);

        expect(plain.byteLength).toBeGreaterThan(1024);
        expect(compressed.equals(compress(plain))).toBe(true);
      });
    });
  });

  test.each([
    ["application/grpc", "Grpc-Accept-Encoding"],
    ["application/connect+proto", "Connect-Accept-Encoding"],
  ])(
    "is not for reflection, whose answers are large and asked for in few bytes (%s)",
    async (type, header) => {
      const answer = await rawPosts["HTTP/2"](
        services.lane?.url ?? "",
        [
          ["Content-Type", type],
          [header, "gzip, br"],
        ],
        envelope(askForFile),
        { path: reflection },
      );
      expect(answer.body.readUInt8(0)).toBe(0);
      expect(answer.body.readUInt32BE(1)).toBeGreaterThan(10_000);
    },
  );

  test("is of few answers at once", async () => {
    let running = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const inTurn = createTurns(2);
    const compress = inTurn(async (bytes) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
      if (bytes[0] === 3) {
        throw new Error("failed");
      }
      return new Uint8Array(bytes);
    });
    const results = Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => compress(new Uint8Array([index]))),
    );
    for (let ended = 0; ended < 6; ended++) {
      await expect.poll(() => ends.length).toBeGreaterThan(ended);
      ends[ended]?.();
    }

    expect((await results).map(({ status }) => status)).toEqual([
      ...["fulfilled", "fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"],
    ]);
    expect({ most, running }).toEqual({ most: 2, running: 0 });
  });
});

/** The bytes of the first message in envelopes, which must say that it is compressed. */
function firstMessage(body: Buffer): Buffer {
  expect(body.readUInt8(0)).toBe(1);
  return body.subarray(5, 5 + body.readUInt32BE(1));
}
