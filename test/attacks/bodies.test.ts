import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CreatePartnerRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import { naughtyTexts } from "../support/naughty-texts.ts";
import { goodHeaders, rawPosts, summarize } from "../support/raw-calls.ts";
import { examplePartnerJson, partnerRequest } from "../support/requests.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { envelope, type Outcome, type Wire, wires } from "../support/wires.ts";

const invalidArgument = { failure: { code: "InvalidArgument" } };
const malformed = { failure: { code: "InvalidArgument", reason: "MESSAGE_MALFORMED" } };
const unimplemented = { failure: { code: "Unimplemented", reason: "REQUEST_UNSUPPORTED" } };
const tooLarge = {
  failure: {
    code: "ResourceExhausted",
    reason: "MESSAGE_TOO_LARGE",
    metadata: { max_bytes: "65536" },
  },
};
const goodBinary = toBinary(CreatePartnerRequestSchema, partnerRequest());
const goodJson = Buffer.from(JSON.stringify(examplePartnerJson));

function goodMessage({ encoding }: Wire): Uint8Array {
  return encoding === "json" ? goodJson : goodBinary;
}

/** A message that is as long as said: spaces for JSON, an unknown field for Protobuf. */
function padTo(wire: Wire, bytes: number): Buffer {
  const message = goodMessage(wire);
  if (wire.encoding === "json") {
    return Buffer.concat([message, Buffer.alloc(bytes - message.byteLength, " ")]);
  }
  // Field 1000, length-delimited; its length takes three bytes from 16 KiB on.
  const length = bytes - message.byteLength - 5;
  const prefix = [0xc2, 0x3e, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
  return Buffer.concat([message, Buffer.from(prefix), Buffer.alloc(length)]);
}

/** The company name as these bytes, in a message that is otherwise good. */
function withNameBytes({ encoding }: Wire, bytes: Buffer): Buffer {
  if (encoding === "proto") {
    const others = toBinary(CreatePartnerRequestSchema, partnerRequest({ companyName: "" }));
    return Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes, others]);
  }
  const [before = "", after = ""] = JSON.stringify({
    ...examplePartnerJson,
    companyName: "@@",
  }).split("@@");
  return Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
}

function nameOf(outcome: Outcome): string | undefined {
  return "partner" in outcome ? outcome.partner?.companyName : JSON.stringify(outcome);
}

/** What a bomb of a few kilobytes decompresses to. */
const bombContent = Buffer.alloc(40_000_000, " ");
const fastBrotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
/** How a body may be compressed, each with a bomb. */
const codings = [
  ["gzip", gzipSync, gzipSync(bombContent)],
  ["br", brotliCompressSync, brotliCompressSync(bombContent, fastBrotli)],
] as const;

describe("A body", () => {
  let service: TestService;
  let headers: ReturnType<typeof goodHeaders>;

  beforeAll(async () => {
    service = await startTestService("postgresql");
    headers = goodHeaders(await service.issuer.token());
  });
  afterEach(() => {
    // Whatever was sent, nothing has failed on this side.
    expect(service.log.filter(({ level }) => Number(level) > 30)).toEqual([]);
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(wires))("over %s", (_name, wire) => {
    const send = (message: Uint8Array, more: [string, string][] = [], compressed = false) =>
      wire.send(service.url, [...headers, ...more], wire.frame(message, compressed));

    test("may be 64 KiB long, and not a byte more, however often it is tried", async () => {
      expect(await send(padTo(wire, 65_536))).toHaveProperty("partner");
      for (let round = 0; round < 10; round++) {
        expect(await send(padTo(wire, 65_537))).toEqual(tooLarge);
      }
    });

    test("is not read for a stranger, however long it is", async () => {
      const stranger = headers.filter(([name]) => name !== "Authorization");
      for (let round = 0; round < 3; round++) {
        expect(await wire.send(service.url, stranger, wire.frame(Buffer.alloc(1_000_000)))).toEqual(
          { failure: { code: "Unauthenticated", reason: "ACCESS_TOKEN_MISSING" } },
        );
      }
    });

    test.each(codings)(
      "may be compressed with %s, but not be a bomb",
      async (name, compress, bomb) => {
        const encoding: [string, string] = [wire.encodingHeader, name];
        expect(await send(compress(padTo(wire, 65_536)), [encoding], true)).toHaveProperty(
          "partner",
        );
        expect(await send(compress(padTo(wire, 65_537)), [encoding], true)).toEqual(tooLarge);
        expect(bomb.byteLength).toBeLessThan(65_536);
        expect(await send(bomb, [encoding], true)).toEqual(tooLarge);
      },
    );

    test.each(["gzip", "br"])("must be compressed if it claims to be, with %s", async (name) => {
      const encoding: [string, string] = [wire.encodingHeader, name];
      expect(await send(goodMessage(wire), [encoding], true)).toEqual(malformed);
    });

    test("must be whole where it is compressed", async () => {
      for (const [name, compress] of codings) {
        const whole = compress(goodMessage(wire));
        for (const length of [1, 5, whole.byteLength >> 1, whole.byteLength - 1]) {
          const cut = whole.subarray(0, length);
          const outcome = await send(cut, [[wire.encodingHeader, name]], true);
          expect({ name, length, ...outcome }).toEqual({ name, length, ...malformed });
        }
      }
    });

    test("must not be compressed in a way that is unknown", async () => {
      const outcome = await send(goodMessage(wire), [[wire.encodingHeader, "zstd"]], true);
      expect(outcome).toEqual(unimplemented);
    });

    test.each([
      ["overlong, of one byte", [0xc0, 0xaf]],
      ["overlong, of NUL", [0xc0, 0x80]],
      ["overlong, of three bytes", [0xe0, 0x80, 0xaf]],
      ["a surrogate", [0xed, 0xa0, 0x80]],
      ["a pair of surrogates (CESU-8)", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
      ["past U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
      ["cut", [0xf0, 0x9f, 0x8f]],
      ["a continuation alone", [0x80]],
      ["Latin-1", [0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72]],
    ])("must not hold UTF-8 that is %s", async (_what, bytes) => {
      expect(await send(withNameBytes(wire, Buffer.from(bytes)))).toEqual(malformed);
    });

    test("keeps every naughty text byte for byte", async () => {
      for (const [name, text] of Object.entries(naughtyTexts)) {
        const request = partnerRequest({ companyName: text });
        const message =
          wire.encoding === "json"
            ? Buffer.from(toJsonString(CreatePartnerRequestSchema, request))
            : toBinary(CreatePartnerRequestSchema, request);
        expect({ name, text: nameOf(await send(message)) }).toEqual({ name, text });
      }
    });

    test("must be one message: nothing, or a cut one, is refused", async () => {
      const message = goodMessage(wire);
      for (const length of [1, 10, message.byteLength - 1]) {
        expect({ length, ...(await send(message.subarray(0, length))) }).toMatchObject({
          length,
          ...invalidArgument,
        });
      }
      // An empty Protobuf message is one: it lacks all fields.
      expect(await send(Buffer.alloc(0))).toMatchObject(invalidArgument);
    });
  });

  describe.each(Object.entries(wires).filter(([name]) => !name.startsWith("Connect")))(
    "in frames over %s",
    (_name, wire) => {
      const send = (body: Uint8Array, more: [string, string][] = []) =>
        wire.send(service.url, [...headers, ...more], body);
      const good = goodMessage(wire);

      test.each([
        ["no frame", Buffer.alloc(0), unimplemented],
        ["a cut prefix", Buffer.from([0, 0, 0]), malformed],
        ["a prefix only", envelope(good).subarray(0, 5), unimplemented],
        ["a cut message", envelope(good).subarray(0, -1), malformed],
        ["a length that is greater", envelope(good, 0, good.byteLength + 1), malformed],
        ["a length over the limit", envelope(good, 0, 65_537), tooLarge],
        ["the greatest length", envelope(good, 0, 0xffff_ffff), tooLarge],
        ["a second message", Buffer.concat([envelope(good), envelope(good)]), unimplemented],
        // Read as a prefix, it promises more than 1.6 GB.
        ["garbage after it", Buffer.concat([envelope(good), Buffer.from("garbage")]), tooLarge],
        // The protocol itself asks for INTERNAL here
        // (https://github.com/grpc/grpc/blob/master/doc/compression.md).
        [
          "a compression that no header names",
          envelope(gzipSync(good), 1),
          { failure: { code: "Internal", reason: "INTERNAL" } },
        ],
      ])("is refused with %s", async (_what, body, failure) => {
        const before = await service.countPartners();
        expect(await send(body)).toEqual(failure);
        expect(await service.countPartners()).toBe(before);
      });
    },
  );

  describe("of JSON", () => {
    const post = (body: string) => rawPosts["HTTP/1.1"](service.url, headers, body);
    const text = JSON.stringify(examplePartnerJson);
    const withField = (field: string, value: string) =>
      `${text.replace(new RegExp(`"${field}":("[^"]*"|\\d+)`), `"${field}":${value}`)}`;

    test.each([
      ["twice", text.replace("{", '{"city":"Paris",')],
      ["twice, once in snake case", text.replace("{", '{"company_name":"Other",')],
      ["twice, once escaped", text.replace("{", '{"\\u0063ity":"Paris",')],
      ["twice, once null", text.replace("{", '{"city":null,')],
    ])("must not have a field %s", async (_what, body) => {
      expect(summarize(await post(body))).toMatchObject({ status: 400, code: "invalid_argument" });
    });

    test.each([
      ["a text", '"150000"', 150_000],
      ["an exponent", "15e4", 150_000],
      ["an exponent in a text", '"15e4"', 150_000],
      ["a fraction of zero", "150000.0", 150_000],
      ["minus zero", "-0", 0],
    ])("may have the number as %s", async (_what, value, number) => {
      const { body } = await post(withField("salesAmount", value));
      expect(JSON.parse(body.toString()).partner.salesAmount).toBe(number);
    });

    test.each([
      "1e10",
      "1.5",
      "-1",
      '"1.5"',
      '" 1"',
      '"1 "',
      '""',
      '"NaN"',
      '"0x10"',
      '"Infinity"',
      "true",
      "[]",
      "{}",
      "[1]",
      "1e400",
      "2147483648",
      "9007199254740993",
    ])("must not have %s as the number", async (value) => {
      expect(summarize(await post(withField("salesAmount", value)))).toEqual({
        status: 400,
        code: "invalid_argument",
        reason: "FIELD_INVALID",
        fields: ["sales_amount"],
      });
    });

    test.each([
      ["lists", `${"[".repeat(30_000)}${"]".repeat(30_000)}`],
      ["objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
    ])("must not nest %s deeply in a field that is unknown", async (_what, value) => {
      expect(summarize(await post(text.replace("{", `{"unknown":${value},`)))).toEqual({
        status: 400,
        code: "invalid_argument",
        reason: "FIELD_INVALID",
        fields: expect.arrayContaining(["unknown"]),
      });
    });

    test("must not nest deeply in a field that is known", async () => {
      const value = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
      expect(summarize(await post(withField("city", value)))).toMatchObject({ status: 400 });
    });

    test("must not name what an object has from its prototype", async () => {
      const names = '{"__proto__":{"city":"Paris"},"constructor":{"prototype":{"city":"Paris"}},';
      expect(summarize(await post(text.replace("{", names)))).toEqual({
        status: 400,
        code: "invalid_argument",
        reason: "FIELD_INVALID",
        fields: ["__proto__", "constructor"],
      });
      expect(Reflect.get({}, "city")).toBeUndefined();
    });
  });

  test("of Protobuf may nest deeply in a field that is unknown, within bounds", async () => {
    const wire = wires["Connect binary, HTTP/1.1"];
    // Field 1000 as a group that opens, and never or just as often closes.
    const open = Buffer.alloc(40_000, Buffer.from([0xc3, 0x3e]));
    const close = Buffer.alloc(20_000, Buffer.from([0xc4, 0x3e]));
    for (const nested of [open, Buffer.concat([open.subarray(0, 20_000), close])]) {
      const body = Buffer.concat([goodBinary, nested]);
      expect(await wire?.send(service.url, headers, body)).toEqual(malformed);
    }
  });
});
