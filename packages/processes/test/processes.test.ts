import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

interface Told {
  readonly message: string;
  readonly port?: number;
  readonly process?: number;
  readonly code?: number | null;
  readonly signal?: string | null;
  readonly clean?: boolean;
}

function start(file = "server.ts"): { primary: ChildProcess; told: Told[] } {
  const primary = fork(join(import.meta.dirname, "primary.ts"), [file], { execArgv: [] });
  onTestFinished(() => {
    primary.kill("SIGKILL");
  });
  const told: Told[] = [];
  // What primary.ts sends.
  primary.on("message", (message) => told.push(message as Told));
  return { primary, told };
}

async function waitFor(told: readonly Told[], wanted: string): Promise<Told> {
  await expect.poll(() => told.map(({ message }) => message)).toContain(wanted);
  return told.find(({ message }) => message === wanted) ?? { message: "" };
}

const ask = async (port: number, path = "/") =>
  await (await fetch(`http://127.0.0.1:${port}${path}`)).text();

/** The processes that answer, once there are two. */
async function twoPids(port: number): Promise<Set<string>> {
  const pids = new Set<string>();
  await expect
    .poll(async () => {
      pids.add(await ask(port));
      return pids.size;
    })
    .toBe(2);
  return pids;
}

test("Two processes answer on one port, are followed when they end, and are replaced one by one", async () => {
  const { primary, told } = start();
  const { port = 0 } = await waitFor(told, "complete");
  expect(await ask(port, "/ready")).toBe("true");
  const [killed] = await twoPids(port);

  process.kill(Number(killed), "SIGKILL");
  expect(await waitFor(told, "process ended, another one follows")).toMatchObject({
    ...{ process: Number(killed), code: null, signal: "SIGKILL" },
  });
  const before = await twoPids(port);

  primary.send("replace");
  await expect
    .poll(() => told.filter(({ message }) => message === "process replaced").length)
    .toBe(2);
  const after = await twoPids(port);
  expect(before.intersection(after).size).toBe(0);
  // Each that left had been read before.
  expect(
    new Set(told.flatMap((one) => (one.message === "counts read" ? [String(one.process)] : []))),
  ).toEqual(before);

  primary.send("stop");
  expect(await waitFor(told, "stopped")).toMatchObject({ clean: true });
});

test("What is stopped while a new process is not there yet ends well", async () => {
  const { primary, told } = start();
  await waitFor(told, "complete");
  primary.send("replace");
  const begun = () => told.filter(({ message }) => message === "begun").length;
  await expect.poll(begun).toBe(3);
  primary.send("stop");
  expect(await waitFor(told, "stopped")).toMatchObject({ clean: true });
});

test("Where the first process does not start, all ends with its exit code", async () => {
  const { primary, told } = start("fails.ts");
  expect(await once(primary, "exit")).toEqual([3, null]);
  expect(told.map(({ message }) => message)).toEqual(["begun"]);
});
