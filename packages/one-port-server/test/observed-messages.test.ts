import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { bodyBytesOf, createOnePortServer } from "../src/index.ts";
import { connectHttp2, createAgent, requestHttp2 } from "./support/server.ts";

test("tells how many bytes of a request's and of a response's body have passed, over either protocol", async () => {
  const counted: [string, number, number][] = [];
  const server = createOnePortServer().serverFactory((request, response) => {
    request.resume().on("end", () => {
      response.write("né");
      response.end(Buffer.alloc(4));
    });
    response.on("close", () =>
      counted.push([request.httpVersion, bodyBytesOf(request), bodyBytesOf(response)]),
    );
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  // A server that listens on a port has an address of this type.
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;

  const post = http.request(url, { method: "POST", agent: createAgent() });
  post.write(Buffer.alloc(1000));
  post.end("é");
  const [response] = await once(post, "response");
  response.resume();
  await (await requestHttp2(connectHttp2(url), "/", Buffer.alloc(1002))).body;

  await expect
    .poll(() => counted)
    .toEqual([
      ["1.1", 1002, 7],
      ["2.0", 1002, 7],
    ]);
});
