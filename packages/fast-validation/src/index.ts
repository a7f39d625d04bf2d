/**
 * Protovalidate's validator, with a short way for messages that are good.
 *
 * @module
 */
export { createFastValidator } from "./fast-validator.ts";
