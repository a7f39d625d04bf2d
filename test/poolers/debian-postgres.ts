import { readFileSync } from "node:fs";
import { chown, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, unprivilegedUser } from "./programs.ts";
import { rowsOf } from "./rows.ts";

/** A server of Debian's PostgreSQL. */
export interface PostgresServer {
  /** Runs a statement as a superuser. */
  readonly query: ReturnType<typeof rowsOf>["query"];
  /** Resolves when it takes connections. */
  start(): void;
  /** Ends it, if it runs. */
  stop(): void;
  /** Ends it and all its processes with SIGKILL. */
  kill(): void;
  /** Stops all its processes in their tracks: sockets stay open and silent. */
  pause(): void;
  resume(): void;
}

/** Makes a directory in which servers may have their folders. */
export async function makeServerDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "partner-servers-"));
  const { uid, gid } = unprivilegedUser();
  if (uid !== undefined && gid !== undefined) {
    await chown(directory, uid, gid);
  }
  return directory;
}

/** Makes a server's folder, and all that is in it. It is processes that end here, not the machine. */
export function initialize(folder: string): void {
  const options = ["-U", "postgres", "-A", "trust", "-EUTF8", "--locale=C", "--no-sync"];
  runProgram("initdb", "-D", folder, ...options);
}

/** The server whose files lie in the folder, and which listens on the port of loopback. */
export function serverIn(folder: string, port: number, options = ""): PostgresServer {
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processesOf(folder)) {
      process.kill(pid, name);
    }
  };
  return {
    query: rowsOf(`postgres://postgres@127.0.0.1:${port}/postgres`).query,
    start: () =>
      runProgram(
        ...["pg_ctl", "start", "-w", "-D", folder, "-l", `${folder}.log`],
        "-o",
        `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' ${options}`,
      ),
    stop() {
      try {
        runProgram("pg_ctl", "stop", "-D", folder, "-m", "immediate");
      } catch {
        // It has been killed.
      }
    },
    kill: () => signal("SIGKILL"),
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
  };
}

/** The postmaster first, so that it makes no more; none where it has ended. */
function processesOf(folder: string): readonly number[] {
  try {
    const pid = Number(readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n", 1)[0]);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return [pid, ...children.split(" ").filter(Boolean).map(Number)];
  } catch {
    return [];
  }
}
