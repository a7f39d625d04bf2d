import type { TlsFiles } from "./tls.ts";

/** After how long a peer is cut off; all in milliseconds. */
export interface Timeouts {
  /** For the TLS handshake, for the first bytes of a connection, and for the headers over HTTP/1.1. */
  readonly headersMs: number;
  /**
   * For a whole request, counted from its first byte (HTTP/1.1) or its headers (HTTP/2). The
   * requests of a client-streaming call are one.
   */
  readonly requestMs: number;
  /** For a connection that carries no request, over either protocol. */
  readonly idleMs: number;
  /**
   * For a peer that takes nothing of a response that waits for it. Over HTTP/2 Node tells of each
   * piece that a handler wrote only when all of it is taken.
   */
  readonly writeMs: number;
  /** For a response, from its request on: a stream that goes on for longer is cancelled. */
  readonly responseMs: number;
  /** After which a connection takes no further requests, so that callers spread over servers. */
  readonly connectionMs: number;
  /** How long a closing server still takes what comes on its connections, and tells them the end. */
  readonly graceMs: number;
  /** How often these are looked at: a peer is cut off up to two of these periods later. */
  readonly checkIntervalMs: number;
}

/**
 * Idle connections outlive the 60 seconds after which most load balancers drop theirs, so that no
 * request is sent into a connection that is being closed.
 */
export const defaultTimeouts: Timeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 65_000,
  writeMs: 30_000,
  responseMs: 3_600_000,
  connectionMs: 3_600_000,
  graceMs: 1_000,
  checkIntervalMs: 500,
};

/** How much there may be at a time. */
export interface Limits {
  /**
   * Connections. A further one takes the place of the one that has been idle the longest; where all
   * carry requests, it is refused. Never more than the process may open files for, less 64.
   */
  readonly connections: number;
  /** Requests in flight on one connection over HTTP/2; over HTTP/1.1 it is one, and others wait. */
  readonly requestsPerConnection: number;
  /**
   * Requests in flight in all. From there on a connection that has its share of them, or more, gets
   * no further one (REFUSED_STREAM, which tells the peer that it may repeat the request).
   */
  readonly requests: number;
  /** Bytes that wait for a peer; with more its next requests wait until it has taken some. */
  readonly waitingBytesPerConnection: number;
  /** Bytes that wait in all; with more the peers that let most of them wait are cut off. */
  readonly waitingBytes: number;
}

export const defaultLimits: Limits = {
  connections: 4_096,
  requestsPerConnection: 256,
  requests: 4_096,
  waitingBytesPerConnection: 1024 * 1024,
  waitingBytes: 128 * 1024 * 1024,
};

/** What was wrong with bytes that are no request over HTTP/1.1, as its status tells. */
export interface Fault {
  /** Malformed; not whole in time; a chunk's extensions too long; headers too long. */
  readonly status: 400 | 408 | 413 | 431;
  /** Node's error. */
  readonly cause: Error;
}

export interface FaultAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface OnePortServerOptions {
  /** Absent: cleartext. */
  readonly tls?: TlsFiles;
  readonly timeouts?: Partial<Timeouts>;
  readonly limits?: Partial<Limits>;
}
