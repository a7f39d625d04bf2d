import { execFile, spawnSync } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const version = "v1.0.7";
const suite = "connectrpc.com/conformance";

/** Where the suite is built. Git ignores the folder; it makes a second run short. */
const directory = resolve(".conformance");

export const hasGo = spawnSync("go", ["version"]).status === 0;

/** Builds the suite's runner, and the code for its .proto files, which the server under test needs. */
export async function buildSuite(): Promise<void> {
  const env = { ...process.env, GOBIN: join(directory, "bin") };
  await run("go", ["install", `${suite}/cmd/connectconformance@${version}`], { env });
  const { stdout } = await run("go", ["mod", "download", "-json", `${suite}@${version}`]);
  const { Dir } = JSON.parse(stdout) as { Dir: string };
  const plugin = {
    local: "protoc-gen-es",
    out: "gen",
    opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
  };
  const template = JSON.stringify({ version: "v2", clean: true, plugins: [plugin] });
  await run("buf", [
    ...["generate", join(Dir, "proto")],
    ...["--template", template, "--output", directory],
  ]);
}

/** Checks the types of the server under test, which needs the code that is built; prints what is wrong. */
export async function checkTypes(): Promise<string> {
  const check = run("tsc", ["--project", "test/conformance"]);
  const { stdout } = await check.catch((failure: { stdout: string }) => failure);
  return stdout;
}

/** How a run of the suite ended. */
export interface SuiteOutcome {
  readonly code: number;
  readonly passed: number;
  readonly failed: number;
  /** What it says of the cases that failed. */
  readonly report: string;
  /** How many calls the servers served on the lane, and how many messages they read as plain JSON. */
  readonly calls: number;
  readonly plainReads: number;
}

/**
 * Requests that no RPC takes. The suite wants their errors without details, and has clients of Connect
 * guess their codes from the HTTP status; here each error has the reason that the contract gives it, with
 * its code, which clients go by. These cases must fail; in what they differ is not looked at.
 */
const withReasons = [
  "unexpected-codec",
  "unexpected-content-type",
  "unexpected-uri",
  "unexpected-verb",
];

/** What the suite says of those. */
const asExpected =
  /INFO: .* failed \(as expected\):\n(?:\t.*\n)*|\(Another \d+ failed as expected .*\)\n?/g;

/**
 * Runs the cases that are about the features (the suite's config.proto names them), against servers
 * that it starts.
 */
export async function runSuite(features: Readonly<Record<string, unknown>>): Promise<SuiteOutcome> {
  const configuration = join(directory, "configuration.yaml");
  const tallyFile = join(directory, "tally.jsonl");
  await rm(tallyFile, { force: true });
  // JSON is YAML.
  await writeFile(configuration, JSON.stringify({ features }));
  const command = run(
    join(directory, "bin/connectconformance"),
    [
      ...["--mode", "server", "--conf", configuration],
      // The suite's time limits leave no room for a machine that is busy with several servers.
      ...["--max-servers", "1", "--parallel", "8"],
      ...withReasons.flatMap((name) => ["--known-failing", `**/${name}`]),
      ...["--", process.execPath, "test/conformance/server.ts"],
    ],
    {
      maxBuffer: 2 ** 26,
      // Servers that start fast meet the suite's time limit on a busy machine too.
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: join(directory, "compile-cache"),
        TALLY_FILE: tallyFile,
      },
    },
  );
  const { code, stdout, stderr } = await command.then(
    (output) => ({ code: 0, ...output }),
    (failure: { code: number; stdout: string; stderr: string }) => failure,
  );
  const totals = /\s*Total cases: \d+\n(\d+) passed, (\d+) failed\s*/.exec(stdout);
  const tallies = (await readFile(tallyFile, "utf8")).trimEnd().split("\n");
  const total = (name: string) =>
    tallies.reduce((sum, line) => sum + Number(JSON.parse(line)[name]), 0);
  return {
    calls: total("unary-lane.call"),
    plainReads: total("unary-lane.json-read"),
    code,
    passed: Number(totals?.[1]),
    failed: Number(totals?.[2]),
    report: (stderr + stdout)
      .replace(totals?.[0] ?? "", "")
      .replace(asExpected, "")
      .trim(),
  };
}
