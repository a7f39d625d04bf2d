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
  /** What a stream has from then on, to end by itself, in milliseconds; with 0 none is begun then. */
  readonly drainMs: (values: ContextValues) => number;
  /** Judges again whether a stream may go on, for ever; it ends with what that rejects with. */
  readonly judge?: (request: StreamRequest) => Promise<void>;
  /** How often, in milliseconds. Absent: every six seconds. */
  readonly judgeEveryMs?: number;
}

interface OpenStream {
  readonly request: StreamRequest;
  /** When it is to be judged next, by the clock of `performance`. */
  readonly judgeAt: number;
}

/** The call of an RPC with a stream, as interceptors get it. */
type StreamRequest = Extract<Parameters<Next>[0], { readonly stream: true }>;

/**
 * Makes an interceptor that bounds streaming calls of every kind: how many are open at once, and how
 * long each is, and on what right. Those that are one too many fail before anything is done; those that
 * last too long, and those that are open when the server stops, with UNAVAILABLE, after which clients
 * open them anew.
 */
export function createStreamLimits(limits: StreamLimits): Interceptor {
  const { max, sharesOf, maxLifeMs, draining, drainMs, refusal = tooMany } = limits;
  const { judge, judgeEveryMs = 6000 } = limits;
  /** In the order in which they are to be judged, so that a look finds those that are due first. */
  const open = new Map<AbortController, OpenStream>();
  const held = new Map<unknown, number>();
  let judging: NodeJS.Timeout | undefined;

  /** Judges those whose time has come, together: a timer for each would wake the process for each. */
  function judgeDue(): void {
    const now = performance.now();
    for (const [stream, { request, judgeAt }] of open) {
      if (judgeAt > now) {
        return;
      }
      open.delete(stream);
      open.set(stream, { request, judgeAt: now + judgeEveryMs });
      judge?.(request).catch((failure: unknown) => stream.abort(failure));
    }
  }

  draining.addEventListener("abort", () => {
    for (const [stream, { request }] of open) {
      const ms = drainMs(request.contextValues);
      if (ms === 0) {
        stream.abort(stopping());
      } else {
        setTimeout(() => stream.abort(stopping()), ms).unref();
      }
    }
  });

  function enter(values: ContextValues): () => void {
    if (draining.aborted && drainMs(values) === 0) {
      throw stopping();
    }
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

  async function limit(next: Next, request: StreamRequest): ReturnType<Next> {
    const leave = enter(request.contextValues);
    const stream = new AbortController();
    open.set(stream, { request, judgeAt: performance.now() + judgeEveryMs });
    if (judge !== undefined) {
      judging ??= setInterval(judgeDue, judgeEveryMs / 16).unref();
    }
    const life = setTimeout(() => {
      stream.abort(
        new ConnectError("The stream was open for long; open it anew.", Code.Unavailable),
      );
    }, lifeMs(maxLifeMs)).unref();
    const onAbort = () => stream.abort(request.signal.reason);
    request.signal.addEventListener("abort", onAbort);

    function close(): void {
      if (open.delete(stream)) {
        clearTimeout(life);
        if (open.size === 0) {
          clearInterval(judging);
          judging = undefined;
        }
        request.signal.removeEventListener("abort", onAbort);
        leave();
      }
    }

    try {
      const response = await untilAborted(
        next({ ...request, signal: stream.signal }),
        stream.signal,
      );
      if (response.stream) {
        const iterator = response.message[Symbol.asyncIterator]();
        const end = () => {
          close();
          // It may wait for what never comes, and has nothing to say any more.
          iterator.return?.().catch(() => undefined);
        };
        // Where a peer takes nothing and then leaves, nobody asks for messages any more, nor says so.
        stream.signal.addEventListener("abort", end);
        return { ...response, message: limited(iterator, stream.signal, end) };
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

/** Those that were opened together end apart, up to a tenth of the time earlier. */
function lifeMs(greatest: number): number {
  return greatest * (1 - Math.random() / 10);
}

function stopping(): ConnectError {
  return new ConnectError("The server is stopping.", Code.Unavailable);
}

function tooMany(): ConnectError {
  return new ConnectError("Too many streams are open; try again later.", Code.ResourceExhausted);
}

async function* limited<T>(
  messages: AsyncIterator<T>,
  signal: AbortSignal,
  end: () => void,
): AsyncGenerator<T> {
  try {
    for (;;) {
      const result = await untilAborted(messages.next(), signal);
      if (result.done === true) {
        return;
      }
      yield result.value;
    }
  } finally {
    end();
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
