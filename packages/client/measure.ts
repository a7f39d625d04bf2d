// What the ways of calling add to a page: `node packages/client/measure.ts`, from the repository's root.
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const transport = 'export { createConnectTransport } from "@connectrpc/connect-web";';
const forms =
  'nameOf, PartnerTypeSchema, isPassing, reasonOf, violationsOf } from "./src/index.ts";';

/** What a page takes, by the names that docs/clients.md has for it. */
const pages = {
  "connect-web's transport, for whatever service": transport,
  "with `createPartnerTransport`, for connect-query": `${transport} export { createPartnerTransport, PartnerService, ${forms}`,
  "with `createPartnerClient`": `${transport} export { createPartnerClient, ${forms}`,
  "with `createPartnerClient` and `watchPartners`": `${transport} export { createPartnerClient, watchPartners, ${forms}`,
  "without the package: `createClient` and code generated from `proto/`": `${transport} export { createClient } from "@connectrpc/connect";
    export { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";`,
};

/** The bytes of each page's whole RPC part, minified, with gzip. */
export async function bundleSizes(): Promise<ReadonlyMap<string, number>> {
  const sizes = Object.entries(pages).map(
    async ([name, code]) => [name, gzipSync(await bundle(code)).length] as const,
  );
  return new Map(await Promise.all(sizes));
}

async function bundle(code: string): Promise<string> {
  // A module that is not on the disk, from where it imports as the package's own do.
  const input = resolve("packages/client/page.js");
  const page = {
    name: "page",
    resolveId: (id: string) => (id === input ? input : null),
    load: (id: string) => (id === input ? code : null),
  };
  const build = await rolldown({ input, platform: "browser", plugins: [page] });
  const { output } = await build.generate({ codeSplitting: false, minify: true });
  await build.close();
  return output[0].code;
}

if (import.meta.main) {
  for (const [name, bytes] of await bundleSizes()) {
    console.log(`| ${name} | ${(bytes / 1000).toFixed(1)} kB |`);
  }
}
