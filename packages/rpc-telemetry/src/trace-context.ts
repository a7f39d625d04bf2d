import type { IncomingHttpHeaders } from "node:http";

/** Version 00 of the header, and those to come, which may have more at their end (W3C Trace Context, section 3.2). */
const traceParent =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:$|(?<!^00.{53})-)/;

/** The trace that a caller's `traceparent` names. OpenTelemetry need not be loaded for that. */
export function traceIdOf({ traceparent }: IncomingHttpHeaders): string | undefined {
  return typeof traceparent === "string" ? traceParent.exec(traceparent)?.[1] : undefined;
}
