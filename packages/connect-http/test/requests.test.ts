import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRepeatedHeaders, findTargetFault, normalizeHeaders } from "../src/index.ts";

const maxTimeoutMs = 30_000;

describe("A header", () => {
  test.each([
    ["content-type", "application/json", "application/json"],
    ["content-type", 'Application/JSON ;  charset="UTF-8"; x=1', "application/json"],
    ["content-type", "application/json; charset=latin1", "application/json; charset=latin1"],
    ["content-type", "application/json; nonsense", "application/json; nonsense"],
    ["content-encoding", "GZIP", "gzip"],
    ["content-encoding", "gzip,", "gzip"],
    ["content-encoding", "", "identity"],
    ["content-encoding", "gzip, br", "gzip,br"],
    ["grpc-encoding", "x-gzip", "gzip"],
    ["accept-encoding", "br;q=0.5, gzip;q=1.0, identity;q=0", "gzip,br"],
    ["accept-encoding", "*;q=0", "identity"],
    ["connect-timeout-ms", "30000", "30000"],
    ["connect-timeout-ms", "30001", "30000"],
    ["connect-timeout-ms", "12345678901", "12345678901"],
    ["grpc-timeout", "30S", "30S"],
    ["grpc-timeout", "1H", "30000m"],
    ["grpc-timeout", "1h", "1h"],
  ])("%s of %j is read as %j", (name, value, expected) => {
    const headers = { host: "partners", [name]: value };
    normalizeHeaders(headers, maxTimeoutMs);
    expect(headers).toEqual({ host: "partners", [name]: expected });
  });

  test.each([
    [{ host: "partners" }, { host: "partners" }],
    [{ ":authority": "partners" }, { ":authority": "partners" }],
    [{}, { host: "localhost" }],
  ])("names a host, of %j", (headers, expected) => {
    normalizeHeaders(headers, maxTimeoutMs);
    expect(headers).toEqual(expected);
  });
});

describe("A request", () => {
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    response.end(JSON.stringify(judge(request)));
  });

  function judge(request: IncomingMessage) {
    const repeated = findRepeatedHeaders(request);
    return { repeated: [...repeated], fault: findTargetFault(request, repeated) };
  }

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  /** Sends lines as they are, and returns what the server found. */
  async function send(...lines: readonly string[]): Promise<unknown> {
    // A server that listens on a port has an address of this type.
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.end(`${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`);
    const answer = (await socket.setEncoding("utf8").toArray()).join("");
    return JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
  }

  const noHost = "The request names no valid host.";

  test.each([
    ["one host", ["GET / HTTP/1.1", "Host: a.example:8080"], undefined, []],
    ["an address of IPv6", ["GET / HTTP/1.1", "Host: [::1]:8080"], undefined, []],
    ["no host", ["GET / HTTP/1.1"], noHost, []],
    ["no host, over HTTP/1.0", ["GET /readyz HTTP/1.0"], undefined, []],
    ["two hosts", ["GET / HTTP/1.1", "Host: a", "Host: b"], noHost, ["host"]],
    ["a host with a user", ["GET / HTTP/1.1", "Host: a@b"], noHost, []],
    ["a host with a path", ["GET / HTTP/1.1", "Host: a/b"], noHost, []],
    ["the greatest port", ["GET / HTTP/1.1", "Host: a:65535"], undefined, []],
    ["a port that is none", ["GET / HTTP/1.1", "Host: a:65536"], noHost, []],
    ["a port of five digits that is none", ["GET / HTTP/1.1", "Host: a:99999"], noHost, []],
    [
      "a header that is sent twice",
      ["GET / HTTP/1.1", "Host: a", "X: 1", "x: 2"],
      undefined,
      ["x"],
    ],
  ])("with %s is judged so", async (_what, lines, fault, repeated) => {
    expect(await send(...lines)).toEqual({ repeated, ...(fault === undefined ? {} : { fault }) });
  });
});
