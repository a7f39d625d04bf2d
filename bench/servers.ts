import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { freePort } from "../test/support/free-port.ts";
import { audience, issuer } from "./calls.ts";
import type { Database } from "./database.ts";
import { joinProcesses, type ServerProcess, startServer } from "./server-process.ts";

/** A server that takes part; it may be loaded in several ways. */
interface Server {
  readonly args: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly isReady: (port: number) => Promise<boolean>;
  /** How many processes share its port (1). */
  readonly processes?: number;
}

/** How `npm start` starts the service, V8's flags included: `node ARGUMENTS`. */
const startArguments = readStartArguments(packageJson);

/** What `npm start` gives to Node, in this checkout or in another one. */
export function readStartArguments({
  scripts,
}: {
  readonly scripts: { readonly start: string };
}): readonly string[] {
  const words = scripts.start.split(" ");
  return words.slice(words.indexOf("node") + 1);
}

const servers = {
  service: { args: startArguments, isReady: answersReady },
  "service-lane-off": {
    args: startArguments,
    settings: { UNARY_LANE: "off" },
    isReady: answersReady,
  },
  "service-twice": {
    args: startArguments,
    settings: { REUSE_PORT: "on" },
    isReady: answersReady,
    processes: 2,
  },
  "connect-fastify": { args: ["bench/peers/connect-fastify.ts"], isReady: accepts },
  "fastify-rest": { args: ["bench/peers/fastify-rest.ts"], isReady: accepts },
  "fastify-rest-twice": {
    args: ["bench/peers/fastify-rest.ts"],
    isReady: accepts,
    processes: 2,
  },
  "fastify-bare": { args: ["bench/peers/fastify-bare.ts"], isReady: accepts },
  "grpc-js": { args: ["bench/peers/grpc-js.ts"], isReady: accepts },
} as const satisfies Record<string, Server>;

export type ServerName = keyof typeof servers;

/** How a server is started otherwise than it is by itself. */
interface Extra {
  /** More for Node. */
  readonly args?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  /** A program that runs Node, and what it is told. */
  readonly under?: readonly string[];
  readonly logIsRead?: boolean;
  /** Another checkout, whose own way to start takes the place of this one's. */
  readonly checkout?: { readonly directory: string; readonly startArguments: readonly string[] };
}

/** Starts a server on the database, with more for Node if need be, and waits until it takes calls. */
export async function startContender(
  name: ServerName,
  database: Pick<Database, "url">,
  publicKeyFile: string,
  extra: Extra = {},
): Promise<ServerProcess> {
  const { isReady, processes = 1, ...server }: Server = servers[name];
  const args = extra.checkout?.startArguments ?? server.args;
  const settings = {
    DATABASE_URL: database.url,
    JWT_PUBLIC_KEY_FILE: publicKeyFile,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    ...server.settings,
    ...extra.settings,
  };
  const port = await freePort();
  const start = (ready: typeof isReady) =>
    startServer([...(extra.args ?? []), ...args], settings, port, ready, {
      directory: extra.checkout?.directory,
      under: extra.under,
      logIsRead: extra.logIsRead,
    });
  const started: [ServerProcess, ...ServerProcess[]] = [await start(isReady)];
  while (started.length < processes) {
    const listeners = started.length + 1;
    started.push(await start(async () => (await countListeners(port)) === listeners));
  }
  return joinProcesses(started);
}

/** Starts the service without a database of its own, on what it keeps in the directory. */
export async function startSandbox(directory: string): Promise<ServerProcess> {
  const settings = {
    DATA_DIR: join(directory, "data"),
    // In place of the one beside the packages.
    NODE_COMPILE_CACHE: join(directory, "compiled"),
  };
  return await startServer(startArguments, settings, await freePort(), answersReady);
}

/** How many sockets listen on a port of IPv4: what is ready last listens last. */
async function countListeners(port: number): Promise<number> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n");
  return lines.filter((line) => {
    const [, address, , state] = line.trim().split(/\s+/);
    return address?.endsWith(local) && state === "0A";
  }).length;
}

/** The service's own word, which includes its database. */
function answersReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: "127.0.0.1", port, path: "/readyz", agent: false })
      .on("response", (response) => resolve(response.resume().statusCode === 200))
      .on("error", () => resolve(false))
      .end();
  });
}

/** The peers listen when all else is done. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
      .on("connect", () => {
        socket.destroy();
        resolve(true);
      })
      .on("error", () => resolve(false));
  });
}
