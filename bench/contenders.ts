import { request } from "node:http";
import { connect } from "node:net";
import { audience, type Call, issuer, rpcPath } from "./call.ts";
import type { Database } from "./database.ts";
import { freePort } from "./free-port.ts";
import type { Target } from "./load/load.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

/** A server that takes part; it may be loaded over several protocols. */
interface Server {
  readonly args: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly isReady: (port: number) => Promise<boolean>;
}

const servers = {
  service: { args: ["src/main.ts"], isReady: answersReady },
  "service-lane-off": {
    args: ["src/main.ts"],
    settings: { UNARY_LANE: "off" },
    isReady: answersReady,
  },
  "connect-fastify": { args: ["bench/peers/connect-fastify.ts"], isReady: accepts },
  "fastify-rest": { args: ["bench/peers/fastify-rest.ts"], isReady: accepts },
  "grpc-js": { args: ["bench/peers/grpc-js.ts"], isReady: accepts },
} as const satisfies Record<string, Server>;

export type ServerName = keyof typeof servers;

/** One line of the result: a server loaded over a protocol, or PostgreSQL by itself. */
export interface Contender {
  readonly id: string;
  readonly title: string;
  readonly load: "json" | "grpc" | "sql";
  readonly server?: ServerName;
  readonly path: string;
}

export const contenders: readonly Contender[] = [
  {
    id: "service",
    title: "this service",
    load: "json",
    server: "service",
    path: rpcPath,
  },
  {
    id: "service-lane-off",
    title: "this service, UNARY_LANE=off",
    load: "json",
    server: "service-lane-off",
    path: rpcPath,
  },
  {
    id: "connect-fastify",
    title: "connect-fastify, persist and flush",
    load: "json",
    server: "connect-fastify",
    path: rpcPath,
  },
  {
    id: "fastify-rest",
    title: "Fastify by hand, one INSERT a call",
    load: "json",
    server: "fastify-rest",
    path: "/partners",
  },
  {
    id: "pgbench",
    title: "PostgreSQL itself (pgbench)",
    load: "sql",
    path: "",
  },
  {
    id: "service-grpc",
    title: "this service",
    load: "grpc",
    server: "service",
    path: rpcPath,
  },
  {
    id: "service-lane-off-grpc",
    title: "this service, UNARY_LANE=off",
    load: "grpc",
    server: "service-lane-off",
    path: rpcPath,
  },
  {
    id: "grpc-js",
    title: "grpc-js by hand, one INSERT a call",
    load: "grpc",
    server: "grpc-js",
    path: rpcPath,
  },
];

const noExtra = { args: [], settings: {} };

/** Starts a server on the database, with more for Node if need be, and waits until it takes calls. */
export async function startContender(
  name: ServerName,
  database: Database,
  publicKeyFile: string,
  extra: { readonly args: readonly string[]; readonly settings: Record<string, string> } = noExtra,
): Promise<ServerProcess> {
  const { args, isReady, ...server }: Server = servers[name];
  const settings = {
    DATABASE_URL: database.url,
    JWT_PUBLIC_KEY_FILE: publicKeyFile,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    ...server.settings,
    ...extra.settings,
  };
  return startServer([...extra.args, ...args], settings, await freePort(), isReady);
}

/** What a contender is loaded with. */
export function targetOf({ load, path }: Contender, { port }: ServerProcess, call: Call): Target {
  return { url: `http://127.0.0.1:${port}${path}`, call: load === "grpc" ? call.grpc : call.json };
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
