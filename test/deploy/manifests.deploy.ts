import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);

/** Where the validators are installed. Git ignores the folder; it makes a second run short. */
const environment = resolve(".deploy");

const python = spawnSync("python3", [
  ...["-c", "import sys, venv; sys.exit(sys.version_info < (3, 10))"],
]);
const noPython =
  python.status === 0 ? "" : " – SKIPPED, there is no Python 3.10 or later with venv";

describe.skipIf(noPython !== "")("by their published JSON schemas", () => {
  beforeAll(async () => {
    await run("python3", ["-m", "venv", environment]);
    await run(join(environment, "bin/pip"), [
      ...["install", "--quiet", "--requirement", "test/deploy/requirements.txt"],
    ]);
  });

  test(`compose.yaml is a Compose file${noPython}`, async () => {
    await run(join(environment, "bin/check-jsonschema"), [
      ...["--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"],
    ]);
  });

  // The oldest that the file is for, and the newest that the validator knows.
  test.each(["1.30", "1.37"])(
    `the manifests are Kubernetes's, version %s${noPython}`,
    async (version) => {
      const { stdout, stderr } = await run(join(environment, "bin/kubernetes-validate"), [
        ...["--strict", "--kubernetes-version", version],
        ...["deploy/kubernetes.yaml", "deploy/kubernetes-migrations.yaml"],
      ]);
      const kinds = [...`${stdout}${stderr}`.matchAll(/passed for resource (\w+)\//g)];
      expect(kinds.map(([, kind]) => kind)).toEqual([
        ...["configmap", "deployment", "service", "poddisruptionbudget", "horizontalpodautoscaler"],
        ...["networkpolicy", "job"],
      ]);
    },
  );
});

const noSystemd =
  spawnSync("systemd-analyze", ["--version"]).status === 0
    ? ""
    : " – SKIPPED, there is no systemd-analyze";

test.skipIf(noSystemd !== "")(
  `systemd finds nothing wrong with the units${noSystemd}`,
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "partner-units-"));
    const units = ["partner-service", "partner-service-migrations"].map(
      (name) => `${name}.service`,
    );
    for (const unit of units) {
      // It wants the program to be there.
      const text = readFileSync(`deploy/${unit}`, "utf8");
      await writeFile(
        join(directory, unit),
        text.replaceAll("/usr/local/bin/node", process.execPath),
      );
    }
    const paths = units.map((unit) => join(directory, unit));
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths]);
    const exposed = spawnSync("systemd-analyze", [
      ...["security", "--offline=true", "--threshold=20", ...paths.slice(0, 1)],
    ]);
    await rm(directory, { recursive: true });
    expect({ status: verified.status, stderr: verified.stderr.toString() }).toEqual({
      status: 0,
      stderr: "",
    });
    expect(exposed.status).toBe(0);
  },
);
