import { request } from "node:http";
import { connect } from "node:net";
import packageJson from "../package.json" with { type: "json" };
import { audience, issuer } from "./calls.ts";
import type { Database } from "./database.ts";
import { freePort } from "./free-port.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

/** A server that takes part; it may be loaded in several ways. */
interface Server {
  readonly args: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly isReady: (port: number) => Promise<boolean>;
}

/** How `npm start` starts the service, V8's flags included: `node ARGUMENTS`. */
const startArguments = packageJson.scripts.start.split(" ").slice(1);

const servers = {
  service: { args: startArguments, isReady: answersReady },
  "service-lane-off": {
    args: startArguments,
    settings: { UNARY_LANE: "off" },
    isReady: answersReady,
  },
  "connect-fastify": { args: ["bench/peers/connect-fastify.ts"], isReady: accepts },
  "fastify-rest": { args: ["bench/peers/fastify-rest.ts"], isReady: accepts },
  "grpc-js": { args: ["bench/peers/grpc-js.ts"], isReady: accepts },
} as const satisfies Record<string, Server>;

export type ServerName = keyof typeof servers;

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
