// Fails if the contract breaks its callers: `node scripts/check-breaking.ts [COMMIT]`.
//
// Without a commit, the contract of the working tree is compared with the one on `main`; if the two
// are the same, as on a fresh clone of `main`, with the one before, so that the last commit's own
// change is judged.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeThirdPartyProtos } from "./third-party-protos.ts";

const given = process.argv[2];
const base = given ?? (gitSucceeds("diff", "--quiet", "main", "--", "proto") ? "main~1" : "main");

if (given === undefined && !gitSucceeds("rev-parse", "--verify", "--quiet", `${base}:proto`)) {
  console.log(`No breaking changes: ${base} holds no contract to compare with.`);
} else {
  process.exitCode = compareWith(base);
}

function compareWith(commit: string): number {
  using workspace = mkdtempDisposableSync(join(tmpdir(), "contract-"));
  const archive = execFileSync("git", ["archive", "--format=tar", commit, "proto"]);
  execFileSync("tar", ["-x", "-C", workspace.path], { input: archive });
  copyFileSync("buf.yaml", join(workspace.path, "buf.yaml"));
  writeThirdPartyProtos(join(workspace.path, ".proto"));
  writeThirdPartyProtos(".proto");
  const { status, error } = spawnSync("buf", ["breaking", "--against", workspace.path], {
    stdio: "inherit",
  });
  if (error) {
    throw error;
  }
  return status ?? 1;
}

function gitSucceeds(...args: string[]): boolean {
  return spawnSync("git", args, { stdio: "ignore" }).status === 0;
}
