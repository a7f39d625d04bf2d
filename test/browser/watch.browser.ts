import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Browser } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPartnerClient } from "../../packages/client/src/index.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { partnerRequest } from "../support/requests.ts";
import { findChromium, launchChromium } from "./chromium.ts";

const executablePath = findChromium();
const skipped = executablePath === undefined ? " – SKIPPED, there is no Chromium" : "";
const organization = "7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f";

describe.skipIf(executablePath === undefined)(`a page that follows a book${skipped}`, () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), "partner-browser-"));
  /** What the page's own server, which is another origin than the service, has. */
  const served = new Map<string, readonly [type: string, body: string]>();
  const server = createServer((request, response) => {
    const [type = "text/plain", body = ""] = served.get(request.url ?? "") ?? [];
    response.writeHead(200, { "Content-Type": type }).end(body);
  });
  let origin: string;
  let service: ServiceProcess;
  let url: string;
  let browser: Browser;

  beforeAll(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    // It listens on a port, and so has an address with one.
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = { PORT: "0", DATA_DIR: dataDirectory, CORS_ORIGINS: origin };
    service = startProcess("src/main.ts", settings);
    [, url = ""] = await service.waitFor(/ready at (\S+)/);
    browser = await launchChromium(executablePath ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    server.close();
    service.child.kill("SIGTERM");
    await service.ended();
    rmSync(dataDirectory, { recursive: true });
  });

  test("is told of each change as it comes, in JSON over a stream of HTTP/1.1, from another origin", async () => {
    const printed = startProcess("scripts/token.ts", { DATA_DIR: dataDirectory }, [
      ...["--organization", organization],
    ]);
    await printed.ended();
    const token = printed.output().trim();
    const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
    const partners = createPartnerClient({ transport, token, organization });
    await partners.createPartner(partnerRequest({ companyName: "A" }));

    const build = await rolldown({
      input: join(import.meta.dirname, "watching-page.ts"),
      platform: "browser",
    });
    const { output } = await build.generate({ format: "esm" });
    await build.close();
    const page = await browser.newPage();
    const told: string[] = [];
    await page.exposeFunction("tell", (names: readonly string[]) => told.push(...names));
    served.set("/page.js", ["text/javascript", output[0].code]);
    served.set("/", [
      "text/html",
      `<script>given = ${JSON.stringify({ baseUrl: url, token, organization })}</script>
        <script type="module" src="/page.js"></script>`,
    ]);
    await page.goto(origin);
    await expect.poll(() => told).toEqual(["A"]);
    const { partner } = await partners.createPartner(partnerRequest({ companyName: "B" }));
    await expect.poll(() => told).toEqual(["A", "B"]);
    await partners.deletePartner({ id: partner?.id ?? "" });
    await expect.poll(() => told).toEqual(["A", "B", `deleted ${partner?.id}`]);
    await page.close();
  });
});
