import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { AuditLog } from "@partner-service/log-lines";
import { createCallerAddress } from "@partner-service/one-port-server";
import { formatIsoSecond } from "@partner-service/postgres-statements";
import { traceIdOf } from "@partner-service/rpc-telemetry";
import { ErrorReason, ErrorReasonSchema } from "../../gen/partner/v1/error_pb.ts";
import type { Config } from "../config/config.ts";
import { type Call, callKey, type HeaderInterceptor, type Outcome, required } from "../context.ts";
import { readAccessRule } from "../interceptors/access.ts";
import { serviceError } from "../interceptors/service-error.ts";
import type { CallObserver } from "./calls.ts";

/** What leaves events, to be put where calls pass. */
export type Audit = ReturnType<typeof createAudit>;

/** The reasons by which a call is refused for who asks. */
const refusals: ReadonlySet<string | undefined> = new Set(
  [
    ErrorReason.ACCESS_TOKEN_MISSING,
    ErrorReason.ACCESS_TOKEN_INVALID,
    ErrorReason.ACCESS_TOKEN_EXPIRED,
    ErrorReason.REQUESTER_NOT_AUTHORIZED,
    ErrorReason.SCENARIO_NOT_ALLOWED,
    ErrorReason.SCOPE_MISSING,
  ].map((reason) => ErrorReasonSchema.value[reason]?.localName),
);

const ok: Outcome = { code: "ok" };
const retryAfterMs = 1000;

/**
 * Leaves one event for each call of an RPC that may change something, which its scope tells, and
 * for each that is refused for who asks. The event is written once the outcome is known: that of a
 * change as soon as it is made, before the call is answered; where the call ended before, because its
 * deadline passed or its client left, once it is known what became of the change.
 */
export function createAudit(
  log: AuditLog,
  services: readonly DescService[],
  { auditRequired: mustBeWritten, trustedProxies }: Config,
) {
  const addressOf = createCallerAddress(trustedProxies);
  const methods = services.flatMap((service) => service.methods);
  const writes = new Set(methods.filter(changesSomething));
  const namesOfWrites = new Set([...writes].map(nameOf));

  function record(call: Call, outcome: Outcome): void {
    call.audit = "recorded";
    const isVital = outcome === ok || call.changes !== undefined;
    log.record(describeCall(call, outcome), isVital);
  }

  // Not async, which took as long as to put the event together.
  const interceptor: Interceptor = (next) => (request) => {
    if (request.stream || !writes.has(request.method)) {
      return next(request);
    }
    const call = required(request.contextValues, callKey);
    call.audit = "working";
    return next(request).then(
      (response) => {
        if (call.outcome !== undefined) {
          settle(call);
          return response;
        }
        // Without an outcome so far it is going to be this one.
        record(call, ok);
        return mustBeWritten ? confirm(response) : response;
      },
      (failure: unknown) => {
        settle(call);
        throw failure;
      },
    );
  };

  async function confirm<Response>(response: Response): Promise<Response> {
    if (!(await log.handedOver())) {
      throw unavailable("The change is made, but cannot be recorded for the moment; try again.");
    }
    return response;
  }

  /** The RPC has come to its end; the call may have, long before. */
  function settle(call: Call): void {
    if (call.audit === "ended") {
      record(call, call.outcome ?? ok);
    } else if (call.audit === "working") {
      call.audit = undefined;
    }
  }

  const admit: HeaderInterceptor = ({ method }) => {
    if (writes.has(method) && log.failure() !== undefined) {
      throw unavailable("Changes cannot be recorded for the moment; try again.");
    }
  };

  const observer: CallObserver = {
    begins(call, { raw }) {
      // Once the connection has ended, it does not tell any more.
      call.address = addressOf(raw);
      call.traceId ??= traceIdOf(raw.headers);
    },
    ends(call) {
      const { rpc = "", outcome, audit } = call;
      if (audit === "working") {
        call.audit = "ended";
      } else if (audit === undefined && (namesOfWrites.has(rpc) || refusals.has(outcome.reason))) {
        record(call, outcome);
      }
    },
  };

  return {
    /** Goes into the chain as the last one, next to the RPC: the event of what it did comes before the answer. */
    interceptor,
    /** Goes into the request gate; empty where writes go on without events. */
    gate: mustBeWritten ? [admit] : [],
    /** Sees to the events of all other calls. */
    observer,
  };
}

function unavailable(message: string) {
  return serviceError(ErrorReason.AUDIT_UNAVAILABLE, message, { retryAfterMs });
}

/** That is what its scope is for. A read that is no GET, because a secret must not stand in a URL, is none. */
function changesSomething(method: DescMethod): boolean {
  return readAccessRule(method).scope.endsWith(":write");
}

function nameOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

/**
 * The line of an event, as docs/audit-event.schema.json describes it. It is put together here, of few pieces, as
 * JSON.stringify takes longer for an object of so many members, of which only the subject is not known to need
 * no escapes.
 */
function describeCall(call: Call, { code, reason }: Outcome): string {
  const { rpc = "", subject, requester, target, callId, traceId, address } = call;
  return (
    `{"audit":1,"kind":"call","time":"${formatNow()}","rpc":"${rpc}","outcome":"${code}"` +
    member(',"reason":"', reason) +
    (subject === undefined ? "" : `,"subject":${JSON.stringify(subject)}`) +
    member(',"requester":"', requester) +
    member(',"target":"', target) +
    `,"partners":[${describePartners(call)}],"requestId":"${callId}"` +
    member(',"traceId":"', traceId) +
    member(',"address":"', address) +
    "}\n"
  );
}

/** A member that ends with a value; nothing where it has none. */
function member(start: string, value: string | undefined): string {
  return value === undefined ? "" : `${start}${value}"`;
}

/** What was done to partners, or the one that was to be changed. */
function describePartners({ changes, partnerId }: Call): string {
  if (changes === undefined) {
    return partnerId === undefined ? "" : `{"id":"${partnerId}"}`;
  }
  let text = "";
  for (const { id, revisionBefore, revisionAfter, fields } of changes) {
    const start = text === "" ? '{"id":"' : `${text},{"id":"`;
    const end = fields === undefined ? "}" : `,"fields":${JSON.stringify(fields)}}`;
    text = `${start}${id}","revisionBefore":${revisionBefore},"revisionAfter":${revisionAfter}${end}`;
  }
  return text;
}

/** The line that tells of a gap in the trail. */
export function describeLost(lost: number): string {
  return JSON.stringify({ audit: 1, kind: "lost", time: formatNow(), lost });
}

/** Now, as `Date`'s toISOString writes it, which takes longer. */
function formatNow(): string {
  const now = Date.now();
  const milliseconds = String(now % 1000).padStart(3, "0");
  return `${formatIsoSecond(Math.floor(now / 1000))}.${milliseconds}Z`;
}
