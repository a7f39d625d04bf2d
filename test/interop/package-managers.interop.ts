import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { copyCheckout } from "../support/checkout.ts";
import { emptyFolder, runCommands } from "./workspace.ts";

const tarball = "partner-service-client-0.1.0.tgz";
let packed: string;

/** Packs the client in a copy, so that nobody who uses it meanwhile misses what packing builds anew. */
beforeAll(() => {
  const copy = emptyFolder("checkout");
  copyCheckout(copy);
  execFileSync("npm", ["pack", "--silent", "--workspace", "@partner-service/client"], {
    cwd: copy,
  });
  packed = join(copy, tarball);
});

/** What a caller's package.json names. */
const dependencies = {
  "@bufbuild/protobuf": "^2.17.0",
  "@connectrpc/connect": "^2.2.0",
  "@connectrpc/connect-web": "^2.2.0",
  "@partner-service/client": `file:${tarball}`,
};

const program = `
  import { Code, ConnectError, createPartnerClient, isPassing } from "@partner-service/client";
  import { createConnectTransport } from "@connectrpc/connect-web";
  const partners = createPartnerClient({
    // Nobody listens on the port of "discard".
    transport: createConnectTransport({ baseUrl: "http://127.0.0.1:9" }),
    ...{ token: "", organization: "", maxTries: 1 },
  });
  const error = await partners.listPartners({}).catch((reason) => reason);
  console.log(error instanceof ConnectError, error.code === Code.Unknown, isPassing(error));
`;

const pnpm = "npm exec --yes --package=pnpm@12.4.2 -- pnpm";
const managers = [
  { name: "npm", command: "npm", install: "npm install --engine-strict --strict-peer-deps" },
  // Unlike npm's, its node_modules let a package import nothing but what it says that it depends on.
  {
    name: "pnpm",
    command: pnpm,
    install: `${pnpm} install --engine-strict --strict-peer-dependencies`,
  },
];

for (const { name, command, install } of managers) {
  const isThere = spawnSync("sh", ["-c", `${command} --version`]).status === 0;
  const skipped = isThere ? "" : " – SKIPPED, it can not be had";
  test.skipIf(!isThere)(
    `the packed client is installed in an empty project with ${name}, and runs${skipped}`,
    async ({ signal }) => {
      const project = emptyFolder(`package-managers/${name}`);
      copyFileSync(packed, join(project, tarball));
      const manifest = { private: true, type: "module", dependencies };
      writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
      writeFileSync(join(project, "program.js"), program);
      await runCommands(install, project, {}, signal);
      expect(await runCommands("node program.js", project, {}, signal)).toBe("true true true\n");
    },
  );
}
