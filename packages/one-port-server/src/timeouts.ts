/** After how long a peer that holds something up is cut off; all in milliseconds. */
export interface Timeouts {
  /** For the TLS handshake, for the first bytes of a connection, and for the headers over HTTP/1.1. */
  readonly headersMs: number;
  /**
   * For a whole request, counted from its first byte (HTTP/1.1) or its headers (HTTP/2). The
   * requests of a client-streaming call are one. Responses may take as long as they like.
   */
  readonly requestMs: number;
  /** For a connection that carries no request, over either protocol. */
  readonly idleMs: number;
  /** For a peer that takes nothing of a response that waits for it. */
  readonly writeMs: number;
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
  checkIntervalMs: 5_000,
};
