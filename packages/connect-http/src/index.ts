/**
 * What a Connect server owes to HTTP, and Connect leaves to it.
 *
 * @module
 */
export { createCompressions } from "./compression.ts";
export { findRepeatedHeaders, normalizeHeaders } from "./request-headers.ts";
export { findTargetFault } from "./request-target.ts";
