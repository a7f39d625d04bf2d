import { IncomingMessage } from "node:http";

/**
 * A request over HTTP/1.1 that one may stop reading at any message: the rest of it is discarded
 * once its response is written. Node's own is destroyed when an iteration over it ends early, and
 * its connection then neither goes on nor ends.
 */
export class Http1Request extends IncomingMessage {
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Uint8Array> {
    return this.iterator({ destroyOnReturn: false });
  }

  /**
   * Reads what is left, for nobody, so that the connection can go on. Node does so itself where
   * nobody has begun to read. The timeout for a whole request bounds it.
   */
  discardRest(): void {
    this.removeAllListeners("readable").removeAllListeners("data").resume();
  }
}
