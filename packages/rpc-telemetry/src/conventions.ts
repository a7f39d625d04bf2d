import type { Attributes } from "@opentelemetry/api";

/** A call that is over, as far as it is told. */
export interface EndedCall {
  /** Connect's name of the protocol: `connect`, `grpc`, `grpc-web`. Undefined: plain HTTP. */
  readonly protocol: string | undefined;
  /** `acme.v1.GreetService/Greet`; undefined for a request that reaches no RPC. */
  readonly rpc: string | undefined;
  readonly outcome: {
    /** `ok`, or Connect's name of an error's code: `not_found`. */
    readonly code: string;
    /** The contract's name of the error's reason, where it has one. */
    readonly reason?: string;
  };
  readonly durationMs: number;
  /** How many bytes of its bodies have passed. */
  readonly received: number;
  readonly sent: number;
  readonly httpMethod: string;
  readonly httpStatus: number;
  /** The route's own path; undefined for a path that is none. */
  readonly route: string | undefined;
}

/** OpenTelemetry's names of the RPC systems. */
const systems: Readonly<Record<string, string>> = {
  connect: "connectrpc",
  grpc: "grpc",
  "grpc-web": "grpc_web",
};

/**
 * What the conventions for RPC have of a call (https://opentelemetry.io/docs/specs/semconv/rpc/). The
 * status has gRPC's spelling over every protocol, so that one query finds it.
 */
export function rpcAttributes({ protocol = "", rpc, outcome }: EndedCall): Attributes {
  const { code, reason = code } = outcome;
  return {
    "rpc.system.name": systems[protocol] ?? protocol,
    "rpc.method": rpc,
    "rpc.status_code": statusOf(code),
    ...(code === "ok" ? {} : { "error.type": reason }),
  };
}

/** `CANCELLED` is the one that Connect spells otherwise. */
function statusOf(code: string): string {
  return code === "canceled" ? "CANCELLED" : code.toUpperCase();
}

/** See https://opentelemetry.io/docs/specs/semconv/http/http-metrics/. */
export function httpAttributes({ httpMethod, route, httpStatus, outcome }: EndedCall): Attributes {
  return {
    "http.request.method": knownMethods.has(httpMethod) ? httpMethod : "_OTHER",
    ...(route === undefined ? {} : { "http.route": route }),
    "http.response.status_code": httpStatus,
    "rpc.status_code": statusOf(outcome.code),
  };
}

const knownMethods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);
