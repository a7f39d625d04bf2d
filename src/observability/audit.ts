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
  const writes = new Set(methods.filter(changesSomething).map(nameOf));

  function record(call: Call, outcome: Outcome): Promise<boolean> {
    call.audit = "recorded";
    const isVital = outcome === ok || call.changes !== undefined;
    return log.record(`${describeCall(call, outcome)}\n`, isVital);
  }

  const interceptor: Interceptor = (next) => async (request) => {
    const call = required(request.contextValues, callKey);
    if (request.stream || call.rpc === undefined || !writes.has(call.rpc)) {
      return await next(request);
    }
    call.audit = "working";
    try {
      const response = await next(request);
      // Without an outcome so far it is going to be this one.
      if (call.outcome === undefined && !(await record(call, ok)) && mustBeWritten) {
        throw unavailable("The change is made, but cannot be recorded for the moment; try again.");
      }
      return response;
    } finally {
      settle(call);
    }
  };

  /** The RPC has come to its end; the call may have, long before. */
  function settle(call: Call): void {
    if (call.audit === "ended") {
      record(call, call.outcome ?? ok);
    } else if (call.audit === "working") {
      call.audit = undefined;
    }
  }

  const admit: HeaderInterceptor = ({ method }) => {
    if (writes.has(nameOf(method)) && log.failure() !== undefined) {
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
      } else if (audit === undefined && (writes.has(rpc) || refusals.has(outcome.reason))) {
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
 * The event, as docs/audit-event.schema.json describes it. It is put together here, as JSON.stringify takes longer
 * for an object of so many members, most of which are known to need no escapes.
 */
function describeCall(call: Call, { code, reason }: Outcome): string {
  const { rpc, subject, requester, target, changes, partnerId, callId, traceId, address } = call;
  const members =
    plain("rpc", rpc) +
    plain("outcome", code) +
    plain("reason", reason) +
    escaped("subject", subject) +
    plain("requester", requester) +
    plain("target", target) +
    escaped("partners", changes ?? (partnerId === undefined ? [] : [{ id: partnerId }])) +
    escaped("requestId", callId) +
    plain("traceId", traceId) +
    plain("address", address);
  return `{"audit":1,"kind":"call","time":"${formatNow()}"${members}}`;
}

/** A member whose value is a name, an id or an address; nothing where it has none. */
function plain(name: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${name}":"${value}"`;
}

function escaped(name: string, value: unknown): string {
  return value === undefined ? "" : `,"${name}":${JSON.stringify(value)}`;
}

/** The line that tells of a gap in the trail. */
export function describeLost(lost: number): string {
  return JSON.stringify({ audit: 1, kind: "lost", time: formatNow(), lost });
}

/** Now, as `Date`'s toISOString writes it, in a tenth of the time. */
function formatNow(): string {
  const now = Date.now();
  const milliseconds = String(now % 1000).padStart(3, "0");
  return `${formatIsoSecond(Math.floor(now / 1000))}.${milliseconds}Z`;
}
