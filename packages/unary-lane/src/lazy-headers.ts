/** Headers as Node has them, the names in lower case. */
export type NodeHeaders = Record<string, string | string[] | undefined>;

/** Names (RFC 9110, section 5.6.2) and values that need none of the checks of a Headers object. */
const plainName = /^[a-z0-9-]+$/i;
const plainValue = /^[!-~]+(?: [!-~]+)*$/;

/**
 * The headers of a request or a response as Connect has them, kept as Node has them as long as they
 * are only asked for and set by name: to fill a Headers object, and to read it out again, costs more
 * than all else that the lane does for a call.
 */
export class LazyHeaders implements Headers {
  #source: Readonly<NodeHeaders>;
  /** Takes the place of Node's headers once it is there. */
  #filled: Headers | undefined;

  constructor(source: Readonly<NodeHeaders>) {
    this.#source = source;
  }

  /** The headers as Node takes them. */
  toNode(): Readonly<NodeHeaders> {
    return this.#filled === undefined ? this.#source : toNodeHeaders(this.#filled);
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
    if (this.#filled === undefined && plainName.test(name) && plainValue.test(value)) {
      this.#source = { ...this.#source, [name.toLowerCase()]: value };
    } else {
      this.#fill().set(name, value);
    }
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
function toWebHeaders(source: Readonly<NodeHeaders>): Headers {
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

function toNodeHeaders(headers: Headers): NodeHeaders {
  const target: NodeHeaders = {};
  const cookies = headers.getSetCookie();
  for (const [name, value] of headers) {
    // Only these cannot be joined to one value, and come one by one.
    target[name] = name === "set-cookie" ? cookies : value;
  }
  return target;
}
