import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { callKey, required } from "../context.ts";
import { DatabaseUnavailableError } from "../database/failures.ts";
import { OverloadedError } from "../database/joining.ts";
import { serviceError } from "../errors/service-error.ts";
import { PartnerError } from "../partners/partner-error.ts";
import { invalidFields } from "./validation.ts";

/** What callers are told to wait while the database is away: it is tried again at once when back. */
const databaseRetryAfterMs = 1000;
/** What callers are told to wait while too many are waiting already. */
const overloadRetryAfterMs = 1000;

/**
 * Turns whatever a call fails with into the error that the contract promises, and ends a call when
 * its deadline passes or its client leaves, whatever it is waiting for.
 *
 * A failure that nobody expected is INTERNAL for the caller, and is logged once, whole.
 */
export function createErrorsInterceptor(): Interceptor {
  return (next) => async (request) => {
    try {
      return await untilAborted(next(request), request.signal);
    } catch (failure) {
      const error = toConnectError(failure);
      if (error.code === Code.Internal) {
        required(request.contextValues, callKey).log.error({ err: failure }, "call failed");
      }
      throw error;
    }
  };
}

function toConnectError(failure: unknown): ConnectError {
  if (failure instanceof ConnectError) {
    return failure;
  }
  if (failure instanceof PartnerError) {
    const { reason, message, facts } = failure;
    return facts.violations === undefined
      ? serviceError(reason, message, { ...facts, cause: failure })
      : invalidFields(facts.violations);
  }
  if (failure instanceof DatabaseUnavailableError) {
    return serviceError(
      ErrorReason.DATABASE_UNAVAILABLE,
      "The database is away for the moment; try again.",
      { retryAfterMs: databaseRetryAfterMs, cause: failure },
    );
  }
  if (failure instanceof OverloadedError) {
    return serviceError(ErrorReason.OVERLOADED, "Too many calls are waiting; try again.", {
      retryAfterMs: overloadRetryAfterMs,
      cause: failure,
    });
  }
  return new ConnectError("internal error", Code.Internal, undefined, undefined, failure);
}

/**
 * What the work comes to, or a rejection as soon as the signal aborts. Connect aborts it with
 * DEADLINE_EXCEEDED when the caller's timeout has passed, with an error of its own when the client
 * is gone, and, after the call has its outcome, when the call ends.
 */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const onAbort = () => {
      if (!settled) {
        reject(toAbortError(signal.reason));
      }
    };
    if (signal.aborted) {
      onAbort();
    } else {
      signal.addEventListener("abort", onAbort);
    }
    work.then(
      (outcome) => {
        settled = true;
        resolve(outcome);
      },
      (failure: unknown) => {
        settled = true;
        reject(failure);
      },
    );
  });
}

function toAbortError(reason: unknown): ConnectError {
  return reason instanceof ConnectError
    ? reason
    : new ConnectError("The client is gone.", Code.Canceled, undefined, undefined, reason);
}
