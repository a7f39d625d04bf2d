import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Server } from "node:net";

/** How long is waited at most, at a time, for a turn in which nothing was accepted. */
const longestWaitMs = 1000;
/** How short that turn must be at first; the longer it is waited for, the longer it may be. */
const shortTurnMs = 0.1;

/**
 * Calls back when no connection waits to be accepted. The system resets those that wait when their
 * server closes, though their peers may have sent a request already. Node accepts one in a turn of
 * its event loop, so that after a turn without any none was waiting when that turn began. One that
 * has come since is lost: the shorter the turn was, the less likely there is one.
 */
export function onceAllAccepted(server: Server, done: () => void): void {
  const startedAt = performance.now();
  let turnBegan = startedAt;
  // What has come in this turn is not known.
  let accepted = true;
  const note = () => {
    accepted = true;
  };

  function look(): void {
    const now = performance.now();
    const waited = now - startedAt;
    const isQuiet = !accepted && now - turnBegan <= Math.max(shortTurnMs, waited / 100);
    if (isQuiet || waited >= longestWaitMs) {
      server.off("connection", note);
      done();
      return;
    }
    accepted = false;
    turnBegan = now;
    setImmediate(look);
  }

  server.on("connection", note);
  setImmediate(look);
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Holds requests back while connections wait to be accepted. As Node accepts one in a turn, each would
 * else wait for all that others ask for in as many turns as there are connections before it: behind
 * hundreds for seconds, and nobody could tell. A turn in which nothing is served takes next to nothing.
 */
export function createAcceptFirst(handler: Handler) {
  let held: Parameters<Handler>[] | undefined;
  let accepted = false;

  function look(beganAt: number): void {
    if (accepted && performance.now() - beganAt < longestWaitMs) {
      accepted = false;
      setImmediate(look, beganAt);
      return;
    }
    const ready = held ?? [];
    held = undefined;
    for (const [request, response] of ready) {
      if (!hasLeft(request)) {
        handler(request, response);
      }
    }
  }

  return {
    /** Is to be told of each connection. */
    noteAccepted(): void {
      accepted = true;
      if (held === undefined) {
        held = [];
        setImmediate(look, performance.now());
      }
    },
    serve(...exchange: Parameters<Handler>): void {
      if (held === undefined) {
        handler(...exchange);
      } else {
        held.push(exchange);
      }
    },
  };
}

/** Whether its connection, or over HTTP/2 its stream, is over: no handler would be told any more. */
function hasLeft(request: IncomingMessage | Http2ServerRequest): boolean {
  return "stream" in request ? request.stream.destroyed : request.socket.destroyed;
}
