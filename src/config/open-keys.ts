import {
  createConfiguredKeys,
  createPublishedKeys,
  UnusableKeyError,
  type VerificationKeys,
} from "@partner-service/access-tokens";
import { StartError } from "@partner-service/settings";
import type { AuthenticationConfig } from "./config.ts";

/**
 * Opens the keys of the issuer: those that it publishes, or the one that is configured.
 *
 * @throws StartError where the one cannot be used
 */
export function openKeys({ keys, algorithms }: AuthenticationConfig): VerificationKeys {
  if ("jwksUrl" in keys) {
    return createPublishedKeys(keys.jwksUrl, algorithms);
  }
  try {
    return createConfiguredKeys(keys.publicKey, algorithms);
  } catch (cause) {
    const rule = "must hold one public key, as a PEM or a JWK, for JWT_ALGORITHMS";
    throw cause instanceof UnusableKeyError
      ? new StartError(`JWT_PUBLIC_KEY_FILE ${rule}: ${cause.message}.`, { cause })
      : cause;
  }
}
