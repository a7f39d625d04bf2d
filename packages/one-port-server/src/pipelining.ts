import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** As many as there may be streams on a connection over HTTP/2. */
const maxRequests = 256;

/**
 * Bounds how many requests of one HTTP/1.1 connection are in flight. A client may send them one
 * after the other without waiting (pipelining); Node reads on until its answers fill the buffers,
 * which they do not while the first of them is awaited. Here the next ones wait for their turn, and
 * nothing more is read meanwhile.
 */
export function limitPipelining(serve: RequestListener): RequestListener {
  const connections = new WeakMap<Socket, RequestListener>();
  return (request, response) => {
    const { socket } = request;
    let serveInTurn = connections.get(socket);
    if (serveInTurn === undefined) {
      serveInTurn = createPipeline(socket, serve);
      connections.set(socket, serveInTurn);
    }
    serveInTurn(request, response);
  };
}

function createPipeline(socket: Socket, serve: RequestListener): RequestListener {
  let inFlight = 0;
  /** What came with the same read as the last one that is in flight. */
  const waiting: [IncomingMessage, ServerResponse<IncomingMessage>][] = [];
  const isFull = () => inFlight >= maxRequests;

  function stopReading(): void {
    socket.pause();
    // Node reads by events: it stops at this one, which `pause` leaves out where "resume" is due.
    socket.emit("pause");
  }

  // Comes too when somebody reads the body of a request.
  socket.on("resume", () => {
    if (isFull()) {
      stopReading();
    }
  });

  function start(request: IncomingMessage, response: ServerResponse<IncomingMessage>): void {
    inFlight += 1;
    response.on("close", startNext);
    serve(request, response);
  }

  function startNext(): void {
    const wasFull = isFull();
    inFlight -= 1;
    const next = socket.destroyed ? undefined : waiting.shift();
    if (next !== undefined) {
      start(...next);
    } else if (wasFull && !isPausedByNode(socket)) {
      socket.resume();
    }
  }

  return (request, response) => {
    if (isFull()) {
      waiting.push([request, response]);
    } else {
      start(request, response);
    }
    if (isFull()) {
      stopReading();
    }
  };
}

/** Whether Node waits for a response to be taken; it reads on by itself, and must not be made to before. */
function isPausedByNode(socket: Socket): boolean {
  return Reflect.get(socket, "_paused") === true;
}
