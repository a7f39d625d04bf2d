// Fails if the contract breaks its callers: `node scripts/check-breaking.ts [COMMIT]`.
//
// Without a commit, the contract of the working tree is compared with the last release, the newest tag
// `v1.2.3`, and with the one on `main`; if these two are the same, as on a fresh clone of `main`, with
// the one before, so that the last commit's own change is judged.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeThirdPartyProtos } from "./third-party-protos.ts";

const given = process.argv[2];
const bases = given === undefined ? [...lastRelease(), lastCommit()] : [given];

for (const base of bases) {
  if (given === undefined && !gitSucceeds("rev-parse", "--verify", "--quiet", `${base}:proto`)) {
    console.log(`No breaking changes: ${base} holds no contract to compare with.`);
  } else if (compareWith(base) !== 0) {
    console.error(`The contract breaks callers of ${base}.`);
    process.exitCode = 1;
  }
}

function lastCommit(): string {
  return gitSucceeds("diff", "--quiet", "main", "--", "proto") ? "main~1" : "main";
}

/** The tag of the last release, if there has been one. */
function lastRelease(): string[] {
  const tags = execFileSync("git", ["tag", "--list", "v*", "--sort=-version:refname"], {
    encoding: "utf8",
  });
  return tags
    .split("\n")
    .filter((tag) => /^v\d+\.\d+\.\d+$/.test(tag))
    .slice(0, 1);
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
