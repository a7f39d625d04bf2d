import { createPublicKey } from "node:crypto";
import { createLocalJWKSet, exportJWK, type JWK, type JWTVerifyGetKey } from "jose";

/** The public keys that access tokens are verified with. */
export interface VerificationKeys {
  /** Finds the key for a token. Throws KeysUnavailableError when the keys cannot be had. */
  readonly getKey: JWTVerifyGetKey;
  /** Changes when the keys do: what was verified with earlier ones has to be verified again. */
  generation(): number;
  /** Whether the keys are recent enough to rest on without asking for them again. */
  areFresh(): boolean;
}

/** The keys are published elsewhere, and that place does not answer as it should. */
export class KeysUnavailableError extends Error {
  override readonly name = "KeysUnavailableError";
}

/** One public key, from PEM (SPKI) or JWK text. Throws when the text is neither, or holds a private key. */
export async function createConfiguredKeys(text: string): Promise<VerificationKeys> {
  const jwk = text.trimStart().startsWith("{")
    ? (JSON.parse(text) as JWK) // checkPublicKey looks at the members.
    : await exportJWK(publicKeyFromPem(text));
  checkPublicKey(jwk);
  const { kid: _keyId, ...key } = jwk;
  const keySet = createLocalJWKSet({ keys: [key] });
  return {
    // There is one key: which id a token gives it does not matter.
    getKey: ({ kid: _tokenKeyId, ...header }, token) => keySet(header, token),
    generation: () => 0,
    areFresh: () => true,
  };
}

/**
 * Checks that tokens can be verified with a key, which jose does only once a token names it.
 *
 * @throws Error when it is private, malformed, of an unknown kind, or RSA with less than 2048 bits
 * (RFC 7518, section 3.3).
 */
export function checkPublicKey(jwk: JWK): void {
  if ("d" in jwk || "priv" in jwk) {
    throw new Error("it is not a public key");
  }
  const { asymmetricKeyDetails } = createPublicKey({ key: jwk, format: "jwk" });
  if ((asymmetricKeyDetails?.modulusLength ?? 2048) < 2048) {
    throw new Error("it has less than 2048 bits");
  }
}

function publicKeyFromPem(text: string) {
  if (text.includes("PRIVATE KEY")) {
    throw new Error("it is not a public key");
  }
  return createPublicKey(text);
}
