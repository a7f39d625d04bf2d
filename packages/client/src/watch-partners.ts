import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorReason } from "../gen/partner/v1/error_pb.ts";
import type { PartnerChange } from "../gen/partner/v1/partner_service_pb.ts";
import { reasonOf } from "./errors.ts";
import type { PartnerCalls } from "./partner-client.ts";
import { isPassing, retryAfterMsOf } from "./passing-errors.ts";
import { pause, waitBefore } from "./retries.ts";

export interface WatchPartnersOptions {
  /** The token that is kept with the copy. Absent: begin anew. */
  readonly changeToken?: string | undefined;
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined;
  /** Is told why the stream ended, before it is opened anew. */
  readonly onInterruption?: ((error: ConnectError) => void) | undefined;
  /**
   * After how long without a message the stream is taken for lost, in milliseconds: the service says
   * something every 25 seconds. Absent: 45 seconds.
   */
  readonly silenceMs?: number | undefined;
}

/** What has changed in a book. */
export interface PartnerChanges {
  readonly changes: readonly PartnerChange[];
  /** To be kept with the copy, once the changes are in it. */
  readonly changeToken: string;
  /** Whether more follows at once. */
  readonly more: boolean;
  /**
   * Whether these are the first of the whole book: what the copy has, and what has not come by the
   * next time that `more` is false, is not in the book any more.
   */
  readonly anew: boolean;
}

/** How often a stream is refused for an expired token before the caller is told. */
const maxExpiries = 3;

/**
 * Follows a book: all that has changed since the token, then each change soon after it was made. It
 * opens the stream anew when that ends, after a while where it has to, and goes on from the last token,
 * so that nothing is missed; something may come twice. It ends when the signal aborts, or when the
 * caller leaves the loop.
 *
 * ```ts
 * for await (const { changes, changeToken, anew } of watchPartners(partners, { changeToken: kept })) {
 *   // Put the changes into the copy, and keep the token with it.
 * }
 * ```
 *
 * @throws ConnectError when the right to it has ended, and for whatever else a repetition does not mend.
 */
export async function* watchPartners(
  partners: Pick<PartnerCalls, "watchPartnerChanges">,
  { changeToken = "", signal, onInterruption, silenceMs = 45_000 }: WatchPartnersOptions = {},
): AsyncGenerator<PartnerChanges, void, undefined> {
  let token = changeToken;
  for (let failures = 0; signal?.aborted !== true; ) {
    let failure: ConnectError;
    const stream = new AbortController();
    const end = () => stream.abort();
    signal?.addEventListener("abort", end);
    try {
      let anew = token === "";
      const messages = partners.watchPartnerChanges(
        { changeToken: token },
        { signal: stream.signal, timeoutMs: 0 },
      );
      for await (const message of spoken(messages, silenceMs)) {
        failures = 0;
        token = message.nextChangeToken;
        yield { changes: message.changes, changeToken: token, more: message.more, anew };
        anew = false;
      }
      failure = new ConnectError("the stream has ended", Code.Unavailable);
    } catch (error) {
      failure = ConnectError.from(error);
    } finally {
      signal?.removeEventListener("abort", end);
      // Connect keeps a stream open that is not read any more.
      stream.abort();
    }
    if (signal?.aborted) {
      return;
    }
    failures += 1;
    if (reasonOf(failure) === ErrorReason.CHANGE_TOKEN_EXPIRED && token !== "") {
      token = "";
    } else if (!mayPass(failure, failures)) {
      throw failure;
    }
    onInterruption?.(failure);
    await pause(waitBefore(failures, retryAfterMsOf(failure), Math.random()), signal).catch(
      () => undefined,
    );
  }
}

/** The messages of a stream; silence ends it. */
async function* spoken<T>(messages: AsyncIterable<T>, silenceMs: number): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new ConnectError("the service has been silent for long", Code.Unavailable));
      }, silenceMs);
    });
    try {
      const result = await Promise.race([iterator.next(), silence]);
      if (result.done) {
        return;
      }
      yield result.value;
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Whether another stream may do better. One that was cut looks different by protocol and runtime; what
 * the service says for good has a reason.
 */
function mayPass(error: ConnectError, failures: number): boolean {
  const reason = reasonOf(error);
  if (isPassing(error) || reason === undefined || faults.has(reason)) {
    return !refusals.has(error.code);
  }
  return reason === ErrorReason.ACCESS_TOKEN_EXPIRED && failures <= maxExpiries;
}

/** What another stream may be spared. */
const faults: ReadonlySet<ErrorReason> = new Set([
  ErrorReason.DEADLINE_EXCEEDED,
  ErrorReason.INTERNAL,
]);

const refusals: ReadonlySet<Code> = new Set([
  ...[Code.Unauthenticated, Code.PermissionDenied, Code.NotFound, Code.Unimplemented],
]);
