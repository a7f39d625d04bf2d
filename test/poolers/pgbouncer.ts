import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";
import { findProgram, unprivilegedUser } from "./programs.ts";

/** A PgBouncer before a database. */
export interface PgBouncer extends AsyncDisposable {
  /** The database's URL, by way of the pooler. */
  readonly url: string;
}

export type PoolMode = "session" | "transaction";

/** Which PgBouncer is there, as [1, 18]. */
function findVersion(): readonly [number, number] {
  const program = findProgram("pgbouncer");
  const text = program === undefined ? "" : execFileSync(program, ["--version"]).toString();
  const [, major, minor] = /^PgBouncer (\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor)];
}

const [major, minor] = findVersion();

/** Whether statements that have names reach each connection of the server that needs them. */
export const keepsNames = major > 1 || (major === 1 && minor >= 21);

/** Starts a PgBouncer that gives a client a connection for as long as the mode says. */
export async function startPgBouncer(databaseUrl: string, mode: PoolMode): Promise<PgBouncer> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const directory = await mkdtemp(join(tmpdir(), "partner-pgbouncer-"));
  await chmod(directory, 0o755);
  const ownPort = await freePort();
  const file = join(directory, "pgbouncer.ini");
  await writeFile(
    file,
    `[databases]
${pathname.slice(1)} = host=${hostname} port=${port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ownPort}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = 12
${keepsNames ? "max_prepared_statements = 200" : ""}
`,
  );
  const child: ChildProcess = spawn(findProgram("pgbouncer") ?? "", [file], {
    ...unprivilegedUser(),
    stdio: "ignore",
  });
  while (!(await answers(ownPort))) {
    await delay(20);
  }
  const url = new URL(databaseUrl);
  url.port = String(ownPort);
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
