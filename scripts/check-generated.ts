// Fails if generated code, or a section of a document, is not what the contract, the settings and the console
// generate, and says where they differ.
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeThirdPartyProtos } from "./third-party-protos.ts";

using directory = mkdtempDisposableSync(join(tmpdir(), "generated-"));
writeThirdPartyProtos(".proto");
const packages = ["packages/client", "packages/health-reflection"];
const templates = packages.map((path) => ["--template", `${path}/buf.gen.yaml`]);
for (const options of [[], ...templates]) {
  execFileSync("buf", ["generate", ...options, "--output", directory.path], { stdio: "inherit" });
}
execFileSync(process.execPath, ["scripts/build-console.ts", join(directory.path, "gen/console")], {
  stdio: "inherit",
});

const references = ["--disable-warning=ExperimentalWarning", "scripts/references.ts"];
execFileSync(process.execPath, [...references, directory.path], { stdio: "inherit" });

compare("gen", ["--name-status"]);
for (const path of packages) {
  compare(`${path}/gen`, ["--name-status"]);
}
for (const document of globSync("{README,docs/**/*}.md", { cwd: directory.path })) {
  compare(document, []);
}

function compare(path: string, options: readonly string[]): void {
  const { status, error } = spawnSync(
    "git",
    ["diff", "--no-index", ...options, path, join(directory.path, path)],
    { stdio: "inherit" },
  );
  if (error) {
    throw error;
  }
  if (status !== 0) {
    console.error(`${path} differs from what is generated: run \`npm run generate\`.`);
    process.exitCode = 1;
  }
}
