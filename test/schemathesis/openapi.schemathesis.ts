import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServiceProcess, startProcess } from "../support/process.ts";

const run = promisify(execFile);

/** Where Schemathesis is installed. Git ignores the folder; it makes a second run short. */
const environment = resolve(".schemathesis");
const organization = "7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f";

const python = spawnSync("python3", [
  ...["-c", "import sys, venv; sys.exit(sys.version_info < (3, 10))"],
]);
const reason = python.status === 0 ? "" : " – SKIPPED, there is no Python 3.10 or later with venv";

describe.skipIf(reason !== "")("Schemathesis", () => {
  let dataDirectory: string;
  let service: ServiceProcess;
  let url: string;
  let token: string;

  beforeAll(async () => {
    await run("python3", ["-m", "venv", environment]);
    await run(join(environment, "bin/pip"), [
      ...["install", "--quiet", "--requirement", "test/schemathesis/requirements.txt"],
    ]);
    dataDirectory = await mkdtemp(join(tmpdir(), "partner-schemathesis-"));
    service = startProcess("src/main.ts", { PORT: "0", DATA_DIR: dataDirectory });
    [, url = ""] = await service.waitFor(/ready at (\S+)/);
    const command = startProcess("scripts/token.ts", { DATA_DIR: dataDirectory }, [
      ...["--organization", organization],
    ]);
    expect(await command.ended()).toBe(0);
    token = command.output().trim();
  });
  afterAll(async () => {
    service?.child.kill("SIGTERM");
    await service?.ended();
    await rm(dataDirectory, { recursive: true });
  });

  test(`finds no answer that the OpenAPI document does not describe${reason}`, async ({
    signal,
  }) => {
    const command = run(
      join(environment, "bin/schemathesis"),
      [
        "run",
        `${url}/openapi.json`,
        ...["--header", `Authorization: Bearer ${token}`],
        ...["--header", `Requester-Organization-ID: ${organization}`],
        ...["--header", `Target-Organization-ID: ${organization}`],
        "--checks=not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance",
        // The same calls in each run, and no more of them than the time allows.
        ...["--phases=examples,coverage,fuzzing", "--generation-deterministic"],
        ...["--max-examples=20", "--no-color"],
      ],
      { signal, maxBuffer: 2 ** 24 },
    );
    const outcome = await command.then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
    );
    expect(outcome).toEqual({
      code: 0,
      stdout: expect.stringMatching(/\b(\d+) generated, \1 passed/),
    });
  });
});
