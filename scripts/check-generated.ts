// Fails if gen/ is not what the contract and the console generate, and lists the files that differ.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeThirdPartyProtos } from "./third-party-protos.ts";

using directory = mkdtempDisposableSync(join(tmpdir(), "generated-"));
writeThirdPartyProtos(".proto");
execFileSync("buf", ["generate", "--output", directory.path], { stdio: "inherit" });
execFileSync(process.execPath, ["scripts/build-console.ts", join(directory.path, "gen/console")], {
  stdio: "inherit",
});

const { status, error } = spawnSync(
  "git",
  ["diff", "--no-index", "--name-status", "gen", join(directory.path, "gen")],
  { stdio: "inherit" },
);
if (error) {
  throw error;
}
if (status !== 0) {
  console.error("gen/ differs from what is generated: run `npm run generate`.");
  process.exitCode = 1;
}
