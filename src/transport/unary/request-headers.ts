import type { Exchange } from "./exchange.ts";

type NodeHeaders = Exchange["request"]["headers"];

/**
 * The headers of a request as Connect has them, read from Node's own as long as they are only asked
 * for by name: to fill a Headers object costs more than all else that the lane does for a call.
 */
export class RequestHeaders implements Headers {
  readonly #source: NodeHeaders;
  /** Takes the place of Node's headers once it is there. */
  #filled: Headers | undefined;

  constructor(source: NodeHeaders) {
    this.#source = source;
  }

  #fill(): Headers {
    this.#filled ??= toWebHeaders(this.#source);
    return this.#filled;
  }

  get(name: string): string | null {
    if (this.#filled === undefined && !name.startsWith(":")) {
      const value = this.#source[name.toLowerCase()];
      if (value === undefined || typeof value === "string") {
        return value ?? null;
      }
    }
    return this.#fill().get(name);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  append(name: string, value: string): void {
    this.#fill().append(name, value);
  }

  set(name: string, value: string): void {
    this.#fill().set(name, value);
  }

  delete(name: string): void {
    this.#fill().delete(name);
  }

  getSetCookie(): string[] {
    return this.#fill().getSetCookie();
  }

  forEach(visit: Parameters<Headers["forEach"]>[0], self?: unknown): void {
    this.#fill().forEach(visit, self);
  }

  keys(): ReturnType<Headers["keys"]> {
    return this.#fill().keys();
  }

  values(): ReturnType<Headers["values"]> {
    return this.#fill().values();
  }

  entries(): ReturnType<Headers["entries"]> {
    return this.#fill().entries();
  }

  [Symbol.iterator](): ReturnType<Headers["entries"]> {
    return this.entries();
  }
}

/** Node's headers without the pseudo-headers of HTTP/2. */
function toWebHeaders(source: NodeHeaders): Headers {
  const headers = new Headers();
  for (const [name, value = []] of Object.entries(source)) {
    if (!name.startsWith(":")) {
      for (const single of typeof value === "string" ? [value] : value) {
        headers.append(name, single);
      }
    }
  }
  return headers;
}
