import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { connectRaw, readToEnd, shortTimeouts, startServer } from "./support/server.ts";

const good = "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n";
const post =
  "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";

/** The status lines of what a peer gets for bytes that it sends all at once. */
async function statuses(bytes: string, port: number): Promise<readonly string[]> {
  const peer = await connectRaw(port);
  peer.write(bytes);
  return (await readToEnd(peer)).match(/HTTP\/1\.1 \d{3}/g) ?? [];
}

describe("bytes that are no request over HTTP/1.1", () => {
  test.each([
    ["garbage", "garbage\r\n\r\n", ["400"]],
    ["a good request and garbage", `${good}garbage\r\n\r\n`, ["200", "400"]],
    ["good requests and garbage", `${good.repeat(3)}garbage\r\n\r\n`, ["200", "200", "200", "400"]],
    [
      "an expectation that nobody knows",
      `${good.replace("\r\n\r\n", "\r\nExpect: 200-ok\r\n\r\n")}garbage\r\n\r\n`,
      ["200", "400"],
    ],
    ["much garbage", `${good}${"garbage ".repeat(20_000)}`, ["200", "400"]],
    ["headers that are too long", `GET / HTTP/1.1\r\nA: ${"a".repeat(20_000)}\r\n\r\n`, ["431"]],
    ["a body that is malformed", `${post}nonsense\r\n`, ["400"]],
    ["a good request and a malformed body", `${good}${post}nonsense\r\n`, ["200", "400"]],
    ["chunk extensions without end", `${post}1;${"a".repeat(20_000)}\r\na\r\n`, ["413"]],
  ])("get, for %s, their answers in turn", async (_what, bytes, expected) => {
    const { port } = await startServer();

    expect(await statuses(bytes, port)).toEqual(expected.map((status) => `HTTP/1.1 ${status}`));
  });

  test("get an answer after that of a good request that takes its time", async () => {
    const { port, release, heldRequests } = await startServer();
    const answers = statuses(`${good.replace("/version", "/held")}garbage\r\n\r\n`, port);
    await expect.poll(heldRequests).toBe(1);
    release();

    expect(await answers).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
  });

  test("get what is not whole in time said after the good request before it", async () => {
    const { port } = await startServer({ timeouts: { ...shortTimeouts, idleMs: 65_000 } });

    expect(await statuses(`${good}GET /version HTTP/1.1\r\nA: `, port)).toEqual([
      "HTTP/1.1 200",
      "HTTP/1.1 408",
    ]);
  });

  test("get the answer that the user of the package writes", async () => {
    const { onePort } = await startServer();
    const server = onePort.serverFactory((_request, response) => response.end());
    const seen: unknown[] = [];
    server.on(
      "clientError",
      onePort.answerFaults(({ status, cause }) => {
        seen.push([status, cause.message]);
        return { headers: { "X-Id": "7" }, body: "äh" };
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    // A server that listens on a port has an address of this type.
    const peer = await connectRaw((server.address() as AddressInfo).port);
    peer.write("garbage\r\n\r\n");
    const answer = (await readToEnd(peer)).replace(/Date: .*/, "Date: now").split("\r\n");
    server.close();

    expect(answer).toEqual([
      "HTTP/1.1 400 Bad Request",
      "Date: now",
      "Connection: close",
      "Content-Length: 3",
      "X-Id: 7",
      "",
      "äh",
    ]);
    expect(seen).toEqual([[400, expect.stringMatching(/^Parse Error/)]]);
  });
});

test("a handler gets requests without a Host, over HTTP/1.0 and 1.1", async () => {
  const { onePort } = await startServer();
  expect(onePort.serverFactory(() => undefined)).toBeInstanceOf(createServer().constructor);
  const { port } = await startServer();
  expect(await statuses("GET /version HTTP/1.0\r\n\r\n", port)).toEqual(["HTTP/1.1 200"]);
});
