/**
 * Requests are judged by the contract before they are decoded, in JSON and in Protobuf's binary form.
 *
 * @module
 */
export { type BinaryCheck, createBinaryCheck } from "./binary-check.ts";
export type { UnknownNames } from "./json-shape.ts";
export { withStrictMessages } from "./strict-router.ts";
export { maxItemsOf, type Violation } from "./violation.ts";
