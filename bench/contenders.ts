import { batchSize, type Call, type Calls, type Operation } from "./calls.ts";
import type { Target } from "./load/load.ts";
import type { ServerProcess } from "./server-process.ts";
import type { ServerName } from "./servers.ts";

/** One line of the result: a server loaded with one call, or PostgreSQL by itself. */
export type Contender = ServerContender | DatabaseContender;

export interface ServerContender extends Line {
  readonly load: "json" | "grpc";
  readonly server: ServerName;
  /** What it is sent. */
  readonly call: (calls: Calls) => Call;
}

export interface DatabaseContender extends Line {
  readonly load: "sql";
  /** How many rows a statement has. */
  readonly rows: number;
}

interface Line {
  readonly id: string;
  readonly title: string;
  readonly operation: Operation | "batch";
}

export const contenders: readonly Contender[] = [
  {
    id: "service",
    title: "this service",
    operation: "create",
    load: "json",
    server: "service",
    call: ({ connect }) => connect.create,
  },
  {
    id: "service-twice",
    title: "this service, two processes (REUSE_PORT)",
    operation: "create",
    load: "json",
    server: "service-twice",
    call: ({ connect }) => connect.create,
  },
  {
    id: "service-lane-off",
    title: "this service, UNARY_LANE=off",
    operation: "create",
    load: "json",
    server: "service-lane-off",
    call: ({ connect }) => connect.create,
  },
  {
    id: "connect-fastify",
    title: "connect-fastify, persist and flush",
    operation: "create",
    load: "json",
    server: "connect-fastify",
    call: ({ connect }) => connect.create,
  },
  {
    id: "fastify-rest",
    title: "Fastify by hand, one INSERT a call",
    operation: "create",
    load: "json",
    server: "fastify-rest",
    call: ({ rest }) => rest.create,
  },
  {
    id: "fastify-bare",
    title: "bound: Fastify and the shared INSERT alone",
    operation: "create",
    load: "json",
    server: "fastify-bare",
    call: ({ rest }) => rest.create,
  },
  {
    id: "pgbench",
    title: "PostgreSQL itself (pgbench)",
    operation: "create",
    load: "sql",
    rows: 1,
  },
  {
    id: "service-batch",
    title: "this service",
    operation: "batch",
    load: "json",
    server: "service",
    call: ({ batch }) => batch.connect,
  },
  {
    id: "pgbench-batch",
    title: "PostgreSQL itself (pgbench), VALUES of 100 rows",
    operation: "batch",
    load: "sql",
    rows: batchSize,
  },
  {
    id: "service-grpc",
    title: "this service",
    operation: "create",
    load: "grpc",
    server: "service",
    call: ({ grpc }) => grpc.create,
  },
  {
    id: "service-twice-grpc",
    title: "this service, two processes (REUSE_PORT)",
    operation: "create",
    load: "grpc",
    server: "service-twice",
    call: ({ grpc }) => grpc.create,
  },
  {
    id: "service-lane-off-grpc",
    title: "this service, UNARY_LANE=off",
    operation: "create",
    load: "grpc",
    server: "service-lane-off",
    call: ({ grpc }) => grpc.create,
  },
  {
    id: "grpc-js",
    title: "grpc-js by hand, one INSERT a call",
    operation: "create",
    load: "grpc",
    server: "grpc-js",
    call: ({ grpc }) => grpc.create,
  },
  {
    id: "service-get",
    title: "this service",
    operation: "get",
    load: "json",
    server: "service",
    call: ({ connect }) => connect.get,
  },
  {
    id: "service-twice-get",
    title: "this service, two processes (REUSE_PORT)",
    operation: "get",
    load: "json",
    server: "service-twice",
    call: ({ connect }) => connect.get,
  },
  {
    id: "fastify-rest-get",
    title: "Fastify by hand, one SELECT a call",
    operation: "get",
    load: "json",
    server: "fastify-rest",
    call: ({ rest }) => rest.get,
  },
  {
    id: "fastify-rest-twice-get",
    title: "Fastify by hand, two processes",
    operation: "get",
    load: "json",
    server: "fastify-rest-twice",
    call: ({ rest }) => rest.get,
  },
  {
    id: "fastify-bare-get",
    title: "bound: Fastify and the shared SELECT alone",
    operation: "get",
    load: "json",
    server: "fastify-bare",
    call: ({ rest }) => rest.get,
  },
  {
    id: "service-list",
    title: "this service",
    operation: "list",
    load: "json",
    server: "service",
    call: ({ connect }) => connect.list,
  },
  {
    id: "fastify-rest-list",
    title: "Fastify by hand, one SELECT a call",
    operation: "list",
    load: "json",
    server: "fastify-rest",
    call: ({ rest }) => rest.list,
  },
];

export function isServed(contender: Contender): contender is ServerContender {
  return contender.load !== "sql";
}

/** What a contender is loaded with. */
export function targetOf(
  contender: ServerContender,
  { port }: ServerProcess,
  calls: Calls,
): Target {
  const call = contender.call(calls);
  return { url: `http://127.0.0.1:${port}${call.path}`, call };
}
