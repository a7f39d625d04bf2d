import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** A contender that runs in a process of its own, or in several. Figures come from /proc, which Linux has. */
export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  /** CPU time used so far, of all its threads and the processes that it has started, in microseconds. */
  cpuMicros(): Promise<number>;
  /** Resident memory now, and the most it ever was, in bytes. */
  memory(): Promise<{ readonly now: number; readonly peak: number }>;
  openFiles(): Promise<number>;
  stop(): Promise<void>;
}

/** Several processes that share a port, as one. */
export function joinProcesses(
  processes: readonly [ServerProcess, ...ServerProcess[]],
): ServerProcess {
  const sumOf = async (ask: (process: ServerProcess) => Promise<number>) =>
    (await Promise.all(processes.map(ask))).reduce((sum, number) => sum + number, 0);
  return {
    port: processes[0].port,
    pid: processes[0].pid,
    cpuMicros: () => sumOf((process) => process.cpuMicros()),
    memory: async () => ({
      now: await sumOf(async (process) => (await process.memory()).now),
      peak: await sumOf(async (process) => (await process.memory()).peak),
    }),
    openFiles: () => sumOf((process) => process.openFiles()),
    async stop() {
      await Promise.all(processes.map((process) => process.stop()));
    },
  };
}

/** Under valgrind a start takes a minute. */
const startTimeoutMs = 180_000;
const pollMs = 5;

interface StartOptions {
  readonly directory?: string | undefined;
  /** A program that runs Node, such as valgrind, and what it is told. */
  readonly under?: readonly string[] | undefined;
  /** Whether its log is read, by this process, as what collects logs does. */
  readonly logIsRead?: boolean | undefined;
}

/**
 * Starts `node ARGS` with the settings, in the directory, and waits until it is ready.
 *
 * Its log goes where logs cost least, unless it is read; what it writes to stderr is shown when it does not start.
 */
export async function startServer(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  port: number,
  isReady: (port: number) => Promise<boolean>,
  { directory = ".", under = [], logIsRead = false }: StartOptions = {},
): Promise<ServerProcess> {
  const [program = process.execPath, ...words] = [...under, process.execPath, ...args];
  const child = spawn(program, words, {
    cwd: directory,
    env: { PATH: process.env.PATH, NODE_ENV: "production", PORT: String(port), ...settings },
    stdio: ["ignore", logIsRead ? "pipe" : "ignore", "pipe"],
  });
  child.stdout?.resume();
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-10_000);
  });
  const { pid } = child;
  if (pid === undefined) {
    throw new Error(`${args.join(" ")} cannot be started.`);
  }
  const deadline = performance.now() + startTimeoutMs;
  while (!(await isReady(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`${args.join(" ")} does not become ready:\n${complaint}`);
    }
    await delay(pollMs);
  }
  return {
    port,
    pid,
    cpuMicros: async () => cpuNanos(pid) / 1000,
    memory: async () => {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return { now: readKilobytes(status, "VmRSS"), peak: readKilobytes(status, "VmHWM") };
    },
    openFiles: async () => (await readdir(`/proc/${pid}/fd`)).length,
    stop: () => stop(child),
  };
}

/**
 * By thread, but in nanoseconds: what /proc tells of a process is in ticks of 10 ms. It is read in place, since
 * once in many thousands of times Node has not come back to a read of its pool.
 */
function cpuNanos(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8");
      const theirs = (children.match(/\d+/g) ?? []).map((child) => cpuNanos(Number(child)));
      return theirs.reduce((sum, one) => sum + one, Number(stat.split(" ", 1)[0]));
    })
    .reduce((sum, one) => sum + one, 0);
}

function readKilobytes(status: string, name: string): number {
  const text = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (text === undefined) {
    throw new Error(`/proc does not tell ${name}.`);
  }
  return Number(text) * 1024;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const end = once(child, "exit");
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await end;
  clearTimeout(killer);
}
