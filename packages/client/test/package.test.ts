import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { createConnectTransport } from "@connectrpc/connect-web";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acme } from "../../../test/support/organizations.ts";
import { examplePartner } from "../../../test/support/requests.ts";
import { startTestService, type TestService } from "../../../test/support/service.ts";
import { bundleSizes } from "../measure.ts";
import { createPartnerClient } from "../src/index.ts";

const run = promisify(execFile);

/** What a caller installs beside the client, from this project's own copies: no registry is asked. */
const others = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web"];

const page = `
  import { createConnectTransport } from "@connectrpc/connect-web";
  import { createPartnerClient, nameOf, PartnerTypeSchema, reasonOf, violationsOf } from "@partner-service/client";
  const partners = createPartnerClient({
    transport: createConnectTransport({ baseUrl: process.env.URL ?? "" }),
    token: process.env.TOKEN ?? "",
    organization: process.env.ORGANIZATION ?? "",
  });
  const attempt = partners.attempt();
  const { partner } = await attempt.createPartner(JSON.parse(process.env.PARTNER ?? ""));
  const error = await attempt.createPartner({}).catch((reason) => reason);
  console.log(partner?.companyName, reasonOf(error), violationsOf(error).length);
  console.log(partner && nameOf(PartnerTypeSchema, partner.partnerType));
`;

let directory: string;
let service: TestService;
let environment: Record<string, string | undefined>;

/** A project of its own, in an empty folder, that the packed client is installed in. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "client-package-"));
  service = await startTestService("postgresql");
  environment = {
    PATH: [dirname(await oldestNode()), process.env.PATH].join(delimiter),
    HOME: directory,
    URL: service.url,
    TOKEN: await service.issuer.token(),
    ORGANIZATION: acme,
    PARTNER: JSON.stringify(examplePartner),
  };
  const client = "@partner-service/client";
  await run("npm", ["pack", "--workspace", client, "--pack-destination", directory]);
  const dependencies = Object.fromEntries([
    ...others.map((name) => [name, `file:${resolve("node_modules", name)}`]),
    [client, "file:partner-service-client-0.1.0.tgz"],
  ]);
  const manifest = { private: true, type: "module", dependencies };
  await writeFile(join(directory, "package.json"), JSON.stringify(manifest));
  const options = ["--offline", "--engine-strict", "--install-links", "--ignore-scripts"];
  await run("npm", ["install", ...options], { cwd: directory, env: environment });
});
afterAll(async () => {
  await service?.close();
  await rm(directory, { recursive: true });
});

test("the packed client calls the service from a project that has nothing but its peers and a transport", async () => {
  await writeFile(join(directory, "page.js"), page);
  const { stdout } = await run("node", ["page.js"], { cwd: directory, env: environment });
  expect(stdout).toBe("Example Supplies Ltd 9 11\nCUSTOMER\n");
  const lock = JSON.parse(await readFile(join(directory, "package-lock.json"), "utf8"));
  const installed = [...others, "@partner-service/client"].map((name) => `node_modules/${name}`);
  expect(Object.keys(lock.packages).sort()).toEqual(["", ...installed]);
});

test("the packed client's types are complete", async () => {
  const process = "declare const process: { env: Record<string, string | undefined> };\n";
  const wrong = "// @ts-expect-error The contract has no such field.\npartner?.companyNme;\n";
  await writeFile(join(directory, "page.ts"), `${process}${page}${wrong}`);
  const options = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022,dom"];
  await run(resolve("node_modules/.bin/tsc"), [...options, "--module", "nodenext", "page.ts"], {
    cwd: directory,
  });
});

test("the README's examples do what they say", async () => {
  const transport = createConnectTransport({ baseUrl: service.url });
  const token = await service.issuer.token();
  await createPartnerClient({ transport, token, organization: acme }).createPartner(examplePartner);
  const readme = await readFile("packages/client/README.md", "utf8");
  const [first = "", ...rest] = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    ([, code = ""]) => code,
  );
  expect(rest).toHaveLength(3);
  const given = `
    declare const process: { env: Record<string, string> };
    const baseUrl = process.env["URL"] ?? "";
    const organization = process.env["ORGANIZATION"] ?? "";
    const session = { accessToken: async () => process.env["TOKEN"] ?? "" };
    const copy = new Map<string, unknown>();
    const kept = "";
    const stop = new AbortController();
    const { signal } = stop;
    // One message tells enough.
    const keep = async (token: string) => stop.abort(token);
  `;
  const used = `
    const values = JSON.parse(process.env["PARTNER"] ?? "");
    console.log(copy.size > 0);
    console.log((await save({ ...values, companyName: "" })).split("\\n")[0]);
    console.log((await save({ ...values, partnerType: PartnerType.SUPPLIER })).slice(0, 8));
    const { createClient } = await import("@connectrpc/connect");
    const { totalSize } = await createClient(PartnerService, transport).listPartners({
      includeTotalSize: true,
    });
    console.log(totalSize === (await partners.listPartners({ includeTotalSize: true })).totalSize);
  `;
  await writeFile(join(directory, "readme.ts"), [given, first, ...rest, used].join("\n"));
  const options = ["--strict", "--target", "es2022", "--lib", "es2022,dom", "--module", "nodenext"];
  await run(resolve("node_modules/.bin/tsc"), [...options, "readme.ts"], { cwd: directory });
  const { stdout } = await run("node", ["readme.js"], { cwd: directory, env: environment });
  expect(stdout.split("\n").slice(-5)).toEqual([
    "true",
    "companyName value is required",
    "Saved as",
    "true",
    "",
  ]);
  expect(stdout).toContain("Example Supplies Ltd CUSTOMER\n");
});

test("the packed client goes into a page's bundle, and no code of the server with it", async () => {
  const input = join(directory, "page.js");
  await writeFile(input, page);
  const build = await rolldown({ input, platform: "browser" });
  const { output } = await build.generate({ codeSplitting: false });
  await build.close();
  const [{ imports, moduleIds }] = output;
  const owners = moduleIds.map((id) => ownerOf(relative(directory, id)));
  expect(imports).toEqual([]);
  expect([...new Set(owners)].sort()).toEqual([...others, "@partner-service/client", "page.js"]);
});

test("a page's RPC part is as small as the documents say, and at most 38 kB on a transport", async () => {
  const document = await readFile("docs/clients.md", "utf8");
  const rows = [...document.matchAll(/^\| (.+) \| ([\d.]+) kB \|$/gm)];
  const sizes = await bundleSizes();
  expect(rows.map(([, name]) => name)).toEqual([...sizes.keys()]);
  for (const [, name = "", kilobytes] of rows) {
    // What gzip makes of the same text differs a little by machine.
    expect(Math.abs((sizes.get(name) ?? 0) / 1000 - Number(kilobytes)), name).toBeLessThan(0.3);
  }
  expect(sizes.get("with `createPartnerTransport`, for connect-query")).toBeLessThanOrEqual(38_000);
  expect(sizes.get("with `createPartnerClient`")).toBeLessThanOrEqual(39_000);
});

/** The package that a module is of. */
function ownerOf(path: string): string {
  const [, inPackage] = path.split(`node_modules${sep}`);
  const [name = "", ...rest] = (inPackage ?? path).split(sep);
  return name.startsWith("@") ? `${name}/${rest[0]}` : name;
}

/** The oldest Node on the path that the package supports; that which runs the tests is always there. */
async function oldestNode(): Promise<string> {
  const paths = (process.env.PATH ?? "").split(delimiter).map((path) => join(path, "node"));
  const versions = await Promise.all(
    [process.execPath, ...paths].map(async (path) => {
      const version = await run(path, ["--version"]).then(
        ({ stdout }) => Number.parseInt(stdout.slice(1), 10),
        // A folder without Node.
        () => 0,
      );
      return { path, version };
    }),
  );
  const [oldest] = versions
    .filter(({ version }) => version >= 20)
    .sort((one, other) => one.version - other.version);
  return oldest?.path ?? process.execPath;
}
