import { ServerResponse } from "node:http";
import { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Http1Request } from "./http1-connection.ts";

// Node does not tell how long a body was that did not say so itself. To put functions that count onto each
// request and response would have more of them outlive a minor garbage collection, which then takes twice
// as long.

/** How many bytes of the body of a port's request or response have passed, as they travel. */
export function bodyBytesOf(message: object): number {
  return "bodyBytes" in message ? Number(message.bodyBytes) : 0;
}

/** When the headers of a port's request had come, by the clock of `performance`; now, for any other request. */
export function arrivalOf(request: object): number {
  return "arrivedAt" in request ? Number(request.arrivedAt) : performance.now();
}

export class Http1Response extends ServerResponse<Http1Request> {
  bodyBytes = 0;

  override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    this.bodyBytes += sizeOf(chunk);
    // Node tells from what it is given which of its own signatures this is.
    return super.write(chunk, encoding as BufferEncoding, done as () => void);
  }

  override end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
    this.bodyBytes += sizeOf(chunk);
    return super.end(chunk, encoding as BufferEncoding, done as () => void);
  }
}

export class Http2Request extends Http2ServerRequest {
  readonly arrivedAt = performance.now();
  bodyBytes = 0;

  override push(chunk: Uint8Array | null, encoding?: BufferEncoding): boolean {
    this.bodyBytes += chunk?.length ?? 0;
    return super.push(chunk, encoding);
  }
}

/** Its `end` calls `write`. */
export class Http2Response extends Http2ServerResponse<Http2Request> {
  bodyBytes = 0;

  override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    this.bodyBytes += sizeOf(chunk);
    // As above.
    return super.write(chunk as string, encoding as BufferEncoding, done as () => void);
  }
}

function sizeOf(chunk: unknown): number {
  return typeof chunk === "string" || chunk instanceof Uint8Array ? Buffer.byteLength(chunk) : 0;
}
