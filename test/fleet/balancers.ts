import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram } from "../poolers/programs.ts";
import { freePort } from "../support/free-port.ts";
import { startCommand } from "../support/process.ts";

/** A balancer before processes of the service. */
export interface Balancer extends AsyncDisposable {
  /** Where it takes HTTP/1.1, and where gRPC. */
  readonly http1: string;
  readonly grpc: string;
  /** Waits until it sends calls to the server on the port, once that is there again. */
  uses(port: number): Promise<void>;
}

interface Place {
  readonly directory: string;
  readonly http1Port: number;
  readonly grpcPort: number;
}

/**
 * nginx with its defaults: where it cannot connect it takes the next server, and tries the one that
 * failed again after ten seconds.
 */
export async function startNginx(servers: readonly number[]): Promise<Balancer> {
  const place = await findPlace();
  const { directory, http1Port, grpcPort } = place;
  const log = join(directory, "access");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const config = `
daemon off;
pid ${directory}/pid;
error_log stderr;
events {}
http {
  log_format upstream "[$upstream_addr]";
  access_log ${log} upstream;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join(" ")}
  upstream partners { ${servers.map((port) => `server 127.0.0.1:${port};`).join(" ")} }
  server { listen 127.0.0.1:${http1Port}; location / { proxy_pass http://partners; } }
  server { listen 127.0.0.1:${grpcPort} http2; location / { grpc_pass grpc://partners; } }
}
`;
  return start(
    "nginx",
    place,
    config,
    (file) => ["-e", "stderr", "-c", file],
    async (port) => {
      const { length } = await readFile(log);
      while (!(await readFile(log)).subarray(length).includes(`[127.0.0.1:${port}]`)) {
        await delay(50);
      }
    },
  );
}

/** HAProxy with its defaults and Debian's timeouts, and `/readyz` for its checks. */
export async function startHaproxy(servers: readonly number[]): Promise<Balancer> {
  const place = await findPlace();
  const { http1Port, grpcPort } = place;
  const listOf = (options: string) =>
    servers.map((port) => `  server ${port} 127.0.0.1:${port} ${options}`).join("\n");
  const config = `
defaults
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000
  option httpchk GET /readyz
listen http1
  bind 127.0.0.1:${http1Port}
  stats uri /haproxy
${listOf("check")}
listen grpc
  bind 127.0.0.1:${grpcPort} proto h2
${listOf("check check-proto h1 proto h2")}
`;
  return start(
    "haproxy",
    place,
    config,
    (file) => ["-db", "-f", file],
    async (port) => {
      const stateOf = async () => (await fetch(`http://127.0.0.1:${http1Port}/haproxy;csv`)).text();
      const isUp = new RegExp(`^http1,${port},.*,UP,(.|\n)*^grpc,${port},.*,UP,`, "m");
      while (!isUp.test(await stateOf())) {
        await delay(50);
      }
    },
  );
}

async function findPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "partner-balancer-"));
  return { directory, http1Port: await freePort(), grpcPort: await freePort() };
}

async function start(
  program: string,
  { directory, http1Port, grpcPort }: Place,
  config: string,
  argumentsOf: (file: string) => readonly string[],
  uses: Balancer["uses"],
): Promise<Balancer> {
  const file = join(directory, "config");
  await writeFile(file, config);
  const child = startCommand(findProgram(program) ?? program, argumentsOf(file), {});
  while (!(await answers(http1Port)) || !(await answers(grpcPort))) {
    if (child.child.exitCode !== null) {
      throw new Error(`${program} does not start: ${child.output()}`);
    }
    await delay(20);
  }
  return {
    http1: `http://127.0.0.1:${http1Port}`,
    grpc: `http://127.0.0.1:${grpcPort}`,
    uses,
    async [Symbol.asyncDispose]() {
      child.child.kill("SIGTERM");
      await child.ended();
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
