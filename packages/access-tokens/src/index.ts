/**
 * Verifies access tokens that are JWTs with jose, remembers the outcome, and refuses what jose lets by.
 *
 * @module
 */
export { createPublishedKeys } from "./published-keys.ts";
export {
  AccessTokenError,
  createTokenVerifier,
  type TokenRules,
  type TokenVerifier,
} from "./token-verifier.ts";
export {
  createConfiguredKeys,
  KeysUnavailableError,
  UnusableKeyError,
  type VerificationKeys,
} from "./verification-keys.ts";
