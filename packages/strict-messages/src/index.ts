/**
 * Requests are judged by the contract, in JSON and in Protobuf's binary form before they are decoded, and what is
 * wrong with them is told to people, as far as it fits into an error.
 *
 * @module
 */
export { type BinaryCheck, createBinaryCheck } from "./binary-check.ts";
export { findBrokenRules } from "./broken-rules.ts";
export { clip, entryOf, type FittingViolations, fitViolations } from "./fitting.ts";
export type { UnknownNames } from "./json-shape.ts";
export { withStrictMessages } from "./strict-router.ts";
export { maxItemsOf, type Violation } from "./violation.ts";
