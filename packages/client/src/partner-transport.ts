import type { Transport } from "@connectrpc/connect";
import { ErrorReason } from "../gen/partner/v1/error_pb.ts";
import { reasonOf } from "./errors.ts";
import { identify, isRepeatable } from "./repeatable-requests.ts";
import { withRetries } from "./retries.ts";
import { untilAborted } from "./until-aborted.ts";

export interface PartnerTransportOptions {
  /**
   * How the service is reached: a transport of `@connectrpc/connect-web` in browsers, or of
   * `@connectrpc/connect-node`, of any protocol.
   */
  readonly transport: Transport;
  /**
   * The access token, or what gets one, which is asked before each try. When the service says that a
   * token has expired, it is asked once more, with that token, so that it does not give it again.
   */
  readonly token: string | ((expired?: string) => string | Promise<string>);
  /** The organization that calls, a UUID. */
  readonly organization: string;
  /** The organization whose book the calls are about. Absent: the one that calls. */
  readonly target?: string;
  /**
   * Further headers, such as those of a trace; asked once for each call, before anything else, where
   * the caller's context is still the current one.
   */
  readonly headers?: () => Readonly<Record<string, string>>;
  /**
   * How often a call is made while it fails for a reason that passes, the first time included.
   * Absent: 7, which outlasts the restart of a service.
   */
  readonly maxTries?: number;
}

/**
 * Makes a transport that puts the token and the organizations on each call, gives each create a
 * `request_id`, gets a new token when one has expired, and repeats unary calls that failed for a reason
 * that passes, as far as the contract says that this is safe. For clients that take a transport, such
 * as connect-query's.
 */
export function createPartnerTransport(options: PartnerTransportOptions): Transport {
  const { transport, token, organization, target = organization, maxTries = 7 } = options;

  /** The token that a stream was refused for, or that has expired while it was open. */
  let expired: string | undefined;

  /** The headers of a call, but for the token. */
  function headersOf(given: Parameters<Transport["unary"]>[3]): Headers {
    const headers = new Headers(options.headers?.());
    new Headers(given).forEach((value, name) => {
      headers.set(name, value);
    });
    headers.set("Requester-Organization-ID", organization);
    headers.set("Target-Organization-ID", target);
    return headers;
  }

  async function authorize(headers: Headers, expired?: string): Promise<string> {
    const current = typeof token === "string" ? token : await token(expired);
    headers.set("Authorization", `Bearer ${current}`);
    return current;
  }

  return {
    async unary(method, signal, timeoutMs, given, input, contextValues) {
      const headers = headersOf(given);
      const message = identify(method.input, input, () => crypto.randomUUID());
      const isTimed = timeoutMs !== undefined && timeoutMs > 0;
      const deadline = isTimed ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
      const ends = isTimed ? withTimeout(signal, timeoutMs) : signal;
      let isRenewed = typeof token === "string";

      const send = async () => {
        const left = isTimed ? Math.max(1, Math.ceil(deadline - performance.now())) : timeoutMs;
        return await transport.unary(method, signal, left, headers, message, contextValues);
      };
      const call = async () => {
        const current = await untilAborted(authorize(headers), ends);
        try {
          return await send();
        } catch (error) {
          if (isRenewed || reasonOf(error) !== ErrorReason.ACCESS_TOKEN_EXPIRED) {
            throw error;
          }
          isRenewed = true;
          await untilAborted(authorize(headers, current), ends);
          return await send();
        }
      };
      const repeatable = isRepeatable(method, message);
      return await withRetries(call, { maxTries, isRepeatable: repeatable, deadline, signal });
    },

    async stream(method, signal, timeoutMs, given, input, contextValues) {
      const headers = headersOf(given);
      const current = await untilAborted(authorize(headers, expired), signal);
      const opened = await transport.stream(
        ...([method, signal, timeoutMs, headers, input, contextValues] as const),
      );
      const message = eachOf(opened.message, (error) => {
        if (reasonOf(error) === ErrorReason.ACCESS_TOKEN_EXPIRED) {
          expired = current;
        }
      });
      return { ...opened, message };
    },
  };
}

function withTimeout(signal: AbortSignal | undefined, timeoutMs: number): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

/** The messages of a stream; what it fails with is told first. */
async function* eachOf<T>(
  messages: AsyncIterable<T>,
  tell: (error: unknown) => void,
): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    tell(error);
    throw error;
  }
}
