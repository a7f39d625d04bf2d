import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { toAbortError, untilAborted } from "@partner-service/connect-http";
import { DatabaseUnavailableError, OverloadedError } from "@partner-service/postgres-statements";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { type Call, callKey, type HeaderInterceptor, required } from "../context.ts";
import { PartnerError } from "../partners/partner-error.ts";
import { invalidFields, nameReason, recordFailure, serviceError } from "./service-error.ts";

/** What callers are told to wait while the database is away, or too many are waiting already. */
const retryAfterMs = 1000;

/**
 * Runs interceptors on a call's headers, in order, before its body is read. What they fail with
 * becomes what the contract promises, and so does what Connect itself fails with later: it parses
 * messages before interceptors run, so that none of them sees that error. What Connect does is to
 * abort the call's signal with the error, just before it writes the answer.
 */
export function createRequestGate(
  interceptors: readonly HeaderInterceptor[],
): (context: HandlerContext) => Promise<void> {
  const run = async (context: HandlerContext) => {
    for (const intercept of interceptors) {
      const pending = intercept(context);
      // To wait for what is over already takes a turn of the queue, for each interceptor of each call.
      if (pending !== undefined) {
        await pending;
      }
    }
  };
  return (context) => {
    const { values, signal, method, protocolName } = context;
    const call = required(values, callKey);
    call.signal = signal;
    call.protocol = protocolName;
    call.rpc = `${method.parent.typeName}/${method.name}`;
    return new Promise((resolve, reject) => {
      let waiting = true;
      const fail = (failure: unknown) => {
        waiting = false;
        reject(decideOutcome(call, failure));
      };
      // One listener does for both: what is waited for here, and what Connect fails with later.
      const onAbort = () => {
        if (signal.reason instanceof ConnectError && !call.hasLeft()) {
          const { code, rawMessage, message, details } = toConnectError(signal.reason);
          Object.assign(signal.reason, { code, rawMessage, message, details });
          recordFailure(call, signal.reason);
        }
        if (waiting) {
          fail(toAbortError(signal.reason));
        }
      };
      if (signal.aborted) {
        onAbort();
      }
      signal.addEventListener("abort", onAbort);
      run(context).then(
        () => {
          waiting = false;
          resolve();
        },
        (failure: unknown) => {
          if (waiting) {
            fail(failure);
          }
        },
      );
    });
  };
}

/**
 * Turns whatever a call fails with into the error that the contract promises, and ends a call when
 * its deadline passes or its client leaves, whatever it is waiting for.
 */
export function createErrorsInterceptor(): Interceptor {
  return (next) => async (request) => {
    const { signal } = request;
    const call = required(request.contextValues, callKey);
    try {
      const response = await untilAborted(next(request), signal);
      return response.stream
        ? { ...response, message: each(response.message, call, signal) }
        : response;
    } catch (failure) {
      throw decideOutcome(call, failure);
    }
  };
}

async function* each<T>(
  messages: AsyncIterable<T>,
  call: Call,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const result = await untilAborted(iterator.next(), signal);
      if (result.done === true) {
        return;
      }
      call.messages = (call.messages ?? 0) + 1;
      yield result.value;
    }
  } catch (failure) {
    throw decideOutcome(call, failure);
  } finally {
    // It may be waiting for what never comes, and has nothing to say any more.
    iterator.return?.().catch(() => undefined);
  }
}

/** A failure that nobody expected is INTERNAL for the caller, and is logged once, whole. */
function decideOutcome(call: Call, failure: unknown): ConnectError {
  const error = toConnectError(failure);
  recordFailure(call, error);
  if (error.code === Code.Internal) {
    call.log.error({ err: failure }, "call failed");
  }
  return error;
}

/** The one place where it is decided which failure is which error for the caller. */
function toConnectError(failure: unknown): ConnectError {
  if (failure instanceof ConnectError) {
    return failure.details.length > 0 ? failure : nameReason(failure);
  }
  if (failure instanceof PartnerError) {
    const { reason, message, facts } = failure;
    return facts.violations === undefined
      ? serviceError(reason, message, { ...facts, cause: failure })
      : invalidFields(facts.violations);
  }
  const passing = { retryAfterMs, cause: failure };
  if (failure instanceof DatabaseUnavailableError) {
    return serviceError(
      ErrorReason.DATABASE_UNAVAILABLE,
      "The database is away for the moment; try again.",
      passing,
    );
  }
  if (failure instanceof OverloadedError) {
    return serviceError(ErrorReason.OVERLOADED, "Too many calls are waiting; try again.", passing);
  }
  return serviceError(ErrorReason.INTERNAL, "internal error", { cause: failure });
}

/** The error that a call would have failed with, in an answer that has several outcomes. */
export function toEntryError(failure: PartnerError) {
  const error = toConnectError(failure);
  const { code, rawMessage: message } = error;
  const [errorInfo] = error.findDetails(ErrorInfoSchema);
  return {
    status: create(StatusSchema, { code, message }),
    ...(errorInfo === undefined ? {} : { errorInfo }),
    fieldViolations: error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [],
  };
}
