import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { readRequestUrl } from "../src/exchange.ts";

test("The URL of a request says whether it came over TLS", async () => {
  const [cert, key] = ["certificate", "key"].map((name) =>
    readFileSync(`test/support/tls/${name}.pem`),
  );
  const urls: unknown[] = [];
  for (const server of [http.createServer(), https.createServer({ cert, key })]) {
    server.on("request", (request, response) => {
      urls.push(readRequestUrl(request)?.href);
      response.end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { get } = server instanceof https.Server ? https : http;
    // A server that listens on a port has an address of this type.
    const { port } = server.address() as AddressInfo;
    const headers = { Host: "example.com" };
    const request = get({ port, path: "/a?b", headers, agent: false, rejectUnauthorized: false });
    const [response] = await once(request, "response");
    response.resume();
    server.close();
  }
  expect(urls).toEqual(["http://example.com/a?b", "https://example.com/a?b"]);
});
