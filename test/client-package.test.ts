import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

const run = promisify(execFile);

const page = `
  import { createConnectTransport } from "@connectrpc/connect-web";
  import { createPartnerClient } from "@partner-service/client";
  const partners = createPartnerClient({
    transport: createConnectTransport({ baseUrl: "http://127.0.0.1" }),
    token: "",
    organization: "",
  });
  console.log(Object.keys(partners).includes("createPartner"));
`;

test("the packed client goes into a page's bundle, and no code of the server with it", async () => {
  // In the project's folder, where the packages are found that it depends on.
  await mkdir(".data", { recursive: true });
  const directory = await mkdtemp(resolve(".data/package-"));
  try {
    const installed = join(directory, "node_modules/@partner-service/client");
    await mkdir(installed, { recursive: true });
    await run("npm", [
      "pack",
      "--workspace",
      "@partner-service/client",
      "--pack-destination",
      directory,
    ]);
    const archive = join(directory, "partner-service-client-0.1.0.tgz");
    await run("tar", ["-xzf", archive, "--strip-components=1", "-C", installed]);
    const input = join(directory, "page.js");
    await writeFile(input, page);
    // A project of its own, or the name of the package would mean the repository around it.
    await writeFile(join(directory, "package.json"), '{ "private": true }');

    const build = await rolldown({ input, platform: "browser" });
    const file = join(directory, "bundle.mjs");
    const { output } = await build.write({ file, codeSplitting: false });
    await build.close();

    const [{ imports, moduleIds }] = output;
    const owners = moduleIds.map((id) => ownerOf(relative(directory, id)));
    expect(imports).toEqual([]);
    expect([...new Set(owners)].sort()).toEqual([
      "@bufbuild/protobuf",
      "@bufbuild/protovalidate",
      "@connectrpc/connect",
      "@connectrpc/connect-web",
      "@partner-service/client/dist/gen",
      "@partner-service/client/dist/packages",
      "page.js",
    ]);
    expect((await run(process.execPath, [file])).stdout).toBe("true\n");
  } finally {
    await rm(directory, { recursive: true });
  }
});

/** The package that a module is of; of our own, its folder. */
function ownerOf(path: string): string {
  const [, inPackage] = path.split(`node_modules${sep}`);
  const [name = "", ...rest] = (inPackage ?? path).split(sep);
  if (path.includes("@partner-service")) {
    return [name, ...rest.slice(0, 3)].join("/");
  }
  return name.startsWith("@") ? `${name}/${rest[0]}` : name;
}
