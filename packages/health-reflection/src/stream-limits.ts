import { Code, ConnectError, type ContextValues, type Interceptor } from "@connectrpc/connect";

/** Something that streams belong to, a connection or a caller's address, and how many it may hold. */
export interface StreamShare {
  readonly holder: unknown;
  readonly max: number;
}

export interface StreamLimits {
  /** How many streams may be open at once, in all. */
  readonly max: number;
  /** How many of them each holder that a call belongs to may have. */
  readonly sharesOf: (values: ContextValues) => readonly StreamShare[];
  /** How long a stream may be open, in milliseconds. */
  readonly maxLifeMs: number;
  /** Makes the error for a stream that is one too many; absent: RESOURCE_EXHAUSTED. */
  readonly refusal?: () => Error;
  /** Aborted when the shutdown starts. */
  readonly draining: AbortSignal;
  /** What streams have from then on, to end by themselves, in milliseconds. */
  readonly drainMs: number;
}

/**
 * Makes an interceptor that bounds streaming calls of every kind: how many are open at once, and how
 * long each is. Those that are one too many fail before anything is done; those that last too long, and those that are open when the server stops, with UNAVAILABLE, after
 * which clients open them anew.
 */
export function createStreamLimits(limits: StreamLimits): Interceptor {
  const { max, sharesOf, maxLifeMs, draining, drainMs, refusal = tooMany } = limits;
  const open = new Set<AbortController>();
  const held = new Map<unknown, number>();

  draining.addEventListener("abort", () => {
    setTimeout(() => {
      for (const stream of open) {
        stream.abort(new ConnectError("The server is stopping.", Code.Unavailable));
      }
    }, drainMs).unref();
  });

  function enter(values: ContextValues): () => void {
    const holders = sharesOf(values);
    const full = holders.some(({ holder, max: share }) => (held.get(holder) ?? 0) >= share);
    if (open.size >= max || full) {
      throw refusal();
    }
    for (const { holder } of holders) {
      held.set(holder, (held.get(holder) ?? 0) + 1);
    }
    return () => {
      for (const { holder } of holders) {
        const left = (held.get(holder) ?? 0) - 1;
        if (left > 0) {
          held.set(holder, left);
        } else {
          held.delete(holder);
        }
      }
    };
  }

  async function limit(next: Next, request: Parameters<Next>[0]): ReturnType<Next> {
    const leave = enter(request.contextValues);
    const stream = new AbortController();
    open.add(stream);
    const life = setTimeout(() => {
      stream.abort(
        new ConnectError("The stream was open for long; open it anew.", Code.Unavailable),
      );
    }, maxLifeMs).unref();
    const onAbort = () => stream.abort(request.signal.reason);
    request.signal.addEventListener("abort", onAbort);

    function close(): void {
      clearTimeout(life);
      request.signal.removeEventListener("abort", onAbort);
      open.delete(stream);
      leave();
    }

    try {
      const response = await untilAborted(next(request), stream.signal);
      if (response.stream) {
        return { ...response, message: limited(response.message, stream.signal, close) };
      }
      close();
      return response;
    } catch (failure) {
      close();
      throw failure;
    }
  }

  return (next) => (request) => (request.stream ? limit(next, request) : next(request));
}

type Next = Parameters<Interceptor>[0];

function tooMany(): ConnectError {
  return new ConnectError("Too many streams are open; try again later.", Code.ResourceExhausted);
}

async function* limited<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  close: () => void,
): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const result = await untilAborted(iterator.next(), signal);
      if (result.done === true) {
        return;
      }
      yield result.value;
    }
  } finally {
    close();
    // It may wait for what never comes, and has nothing to say any more.
    iterator.return?.().catch(() => undefined);
  }
}

/** What the work comes to, or the signal's reason as soon as it aborts. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener("abort", onAbort);
    work.finally(() => signal.removeEventListener("abort", onAbort)).then(resolve, reject);
  });
}
