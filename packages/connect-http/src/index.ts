/**
 * What a Connect server owes to HTTP, and Connect leaves to it.
 *
 * @module
 */
export { createCompressions } from "./compression.ts";
export { type ErrorAnswer, toErrorAnswer } from "./error-answer.ts";
export { checkGetQuery } from "./get-query.ts";
export { explainRefusals, refusals } from "./refusals.ts";
export { findRepeatedHeaders, normalizeHeaders } from "./request-headers.ts";
export { findTargetFault } from "./request-target.ts";
export { codeOfStatus } from "./status-code.ts";
export { toAbortError, untilAborted } from "./until-aborted.ts";
