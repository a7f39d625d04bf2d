import { beforeAll, describe, expect, test } from "vitest";
import { buildSuite, checkTypes, hasGo, runSuite } from "./suite.ts";

/** What the service offers, of what the suite can try; where it is silent, the suite's default. */
const features = {
  codecs: ["CODEC_PROTO", "CODEC_JSON"],
  compressions: ["COMPRESSION_IDENTITY", "COMPRESSION_GZIP", "COMPRESSION_BR"],
  supportsTls: true,
  // Callers are known by their access tokens.
  supportsTlsClientCerts: false,
  supportsConnectGet: true,
  // Connect refuses such calls, at which a client that waits for answers while it sends would hang.
  supportsHalfDuplexBidiOverHttp1: false,
};

const skipped = hasGo ? "" : " – SKIPPED, not installed: go";

describe.skipIf(!hasGo)(`the conformance suite passes, cleartext and TLS:${skipped}`, () => {
  beforeAll(buildSuite);

  test("the server under test has the suite's types", async () => {
    expect(await checkTypes()).toBe("");
  });

  test.each([
    ["Connect over HTTP/1.1", "PROTOCOL_CONNECT", "HTTP_VERSION_1", true],
    ["Connect over HTTP/2", "PROTOCOL_CONNECT", "HTTP_VERSION_2", true],
    ["gRPC over HTTP/2", "PROTOCOL_GRPC", "HTTP_VERSION_2", true],
    ["gRPC-Web over HTTP/1.1", "PROTOCOL_GRPC_WEB", "HTTP_VERSION_1", false],
    ["gRPC-Web over HTTP/2", "PROTOCOL_GRPC_WEB", "HTTP_VERSION_2", false],
  ])("%s", async (name, protocol, version, onLane) => {
    const outcome = await runSuite({
      ...features,
      protocols: [protocol],
      versions: [version],
      supportsMessageReceiveLimit: true,
    });

    console.log(`${name}: ${outcome.passed} cases passed, ${outcome.failed} failed`);
    const { calls, plainReads, ...result } = outcome;
    expect(result).toEqual({ code: 0, passed: expect.any(Number), failed: 0, report: "" });
    expect(outcome.passed).toBeGreaterThan(0);
    // Of the suite's messages only the empty ones are plain.
    expect({ calls: calls > 0, plainReads: plainReads > 0 }).toEqual({
      calls: onLane,
      plainReads: onLane,
    });
  });
});
