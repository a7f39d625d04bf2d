import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import {
  type ContextKey,
  type ContextValues,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import type { Asker } from "@partner-service/postgres-statements";
import type { Violation } from "@partner-service/strict-messages";
import type { FastifyBaseLogger } from "fastify";

/**
 * What is known of a call from its first byte on. All that is told of it, to the log and elsewhere,
 * comes from here; who learns something of it on its way writes it down.
 */
export interface Call {
  /** What its log lines are found by: the header X-Request-Id, which is no `request_id` of a create. */
  readonly callId: string;
  readonly log: FastifyBaseLogger;
  /** The connection that it came on: a session of HTTP/2, a socket of HTTP/1.1. */
  readonly connection: Http2Session | Socket;
  /** When its headers had come, by the clock of `performance`. */
  readonly arrivedAt: number;
  /** The header names that the client sent more than once, in lower case. */
  readonly repeatedHeaders: ReadonlySet<string>;
  /** The route, or as much of the path as is kept of one that is none. */
  readonly path: string;
  /** Whether the client has left, or was cut off: it can get no answer any more. */
  readonly hasLeft: () => boolean;
  /** Connect's name of the RPC protocol: `connect`, `grpc`, `grpc-web`. Absent: plain HTTP. */
  protocol: string | undefined;
  /** The RPC, once one has been found: `partner.v1.PartnerService/CreatePartner`. */
  rpc: string | undefined;
  /** The subject of the access token, once that has been verified. */
  subject: string | undefined;
  /** The organizations that the headers name, once they are well-formed; access is another matter. */
  requester: string | undefined;
  target: string | undefined;
  /** Aborts when the call ends; statements know the call by it. */
  signal: AbortSignal | undefined;
  /** Where the call comes from: an IP address. Absent: from this machine, without one. */
  address: string | undefined;
  /** The trace that it belongs to, where its caller's `traceparent` or its own span names one. */
  traceId: string | undefined;
  /** Its own span, where it is sampled. */
  spanId: string | undefined;
  /** How many messages a stream has been answered with. */
  messages: number | undefined;
  /** To be done when the call is over. */
  onEnd: (() => void) | undefined;
  /** What the call has failed with, once it has. */
  outcome: Outcome | undefined;
  /** The id of the partner that the request names, where it is to be changed. */
  partnerId: string | undefined;
  /** What the call has changed; empty where all was so already. */
  changes: Change[] | undefined;
  /** How far the audit trail is with it. */
  audit: "working" | "ended" | "recorded" | undefined;
}

/** What a call has done to a partner. A revision is null where there was, or is, no partner. */
export interface Change {
  readonly id: string;
  readonly revisionBefore: number | null;
  readonly revisionAfter: number | null;
  /** The contract's names of the fields that were set. Absent: none, or all, by the revisions. */
  readonly fields?: readonly string[];
}

/** Who changes a book, and what notes what that has come to. */
export interface Writer {
  readonly subject: string;
  /** The organization that it is done for, a UUID in lower case. */
  readonly organizationId: string;
  readonly noteChange: (change: Change) => void;
}

export interface Outcome {
  /** `ok`, or Connect's name of an error's code: `not_found`. */
  readonly code: string;
  /** The contract's name of the error's reason, where it has one. */
  readonly reason?: string;
}

/** Who calls: what a verified access token says. */
export interface Caller {
  /** At most 255 characters, all of which a database can hold. */
  readonly subject: string;
  /** The organizations that the token speaks for, UUIDs in lower case. */
  readonly organizations: readonly string[];
  readonly scopes: ReadonlySet<string>;
}

/** The organizations of a call, UUIDs in lower case. */
export interface Organizations {
  readonly requester: string;
  readonly target: string;
}

/**
 * An interceptor that needs no more of a call than its headers, and runs before its body is read: it
 * sets context values or response headers, or throws.
 */
export type HeaderInterceptor = (call: HandlerContext) => void | Promise<void>;

/**
 * A header interceptor that admits a call by what is known from its headers, and can judge again as long
 * as the call lasts.
 */
export type Judge = (
  call: Pick<HandlerContext, "requestHeader" | "values" | "method" | "signal">,
) => void | Promise<void>;

export const callKey = createContextKey<Call | undefined>(undefined, { description: "call" });
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: "caller" });
export const organizationsKey = createContextKey<Organizations | undefined>(undefined, {
  description: "organizations",
});

/** What is wrong with entries of a request that may be refused one by one. */
export const entryViolationsKey = createContextKey<readonly Violation[]>([], {
  description: "violations of entries",
});

/**
 * Returns a value that an earlier step of the chain has set.
 *
 * @throws Error when it has not: the chain is then in the wrong order.
 */
export function required<T>(values: ContextValues, key: ContextKey<T | undefined>): T {
  const value = values.get(key);
  if (value === undefined) {
    throw new Error(`The context value ${key.id.toString()} is not set.`);
  }
  return value;
}

/** Who asks for statements that no others share: each requester has its turns. */
export function askerOf({ values, signal }: Pick<HandlerContext, "values" | "signal">): Asker {
  return { key: required(values, organizationsKey).requester, signal };
}

/**
 * The header of answers to reads: a GET's URL does not tell whose book it is about, and access may end
 * with the next call.
 */
export const uncached = ["Cache-Control", "no-store"] as const;
