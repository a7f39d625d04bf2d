import type { Attributes } from "@opentelemetry/api";
import { DatabaseError, DatabaseUnavailableError } from "../database/failures.ts";
import type { EndedCall } from "./calls.ts";

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

/** The class of the SQLSTATE (PostgreSQL documentation, appendix A), or what else there is to tell. */
export function failureClass(failure: unknown): string {
  if (failure instanceof DatabaseError) {
    return failure.sqlState.slice(0, 2);
  }
  if (failure instanceof DatabaseUnavailableError) {
    const code = failure.cause instanceof Error && "code" in failure.cause && failure.cause.code;
    const isState = typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
    return isState ? code.slice(0, 2) : "connection";
  }
  return "other";
}
