import { createPublicKey, type KeyObject } from "node:crypto";
import type { JWK, JWTVerifyGetKey } from "jose";
import { createLocalJWKSet } from "jose/jwks/local";

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

/** No token can be verified with a key. The message says why, as the end of a sentence. */
export class UnusableKeyError extends Error {
  override readonly name = "UnusableKeyError";
}

/**
 * One public key, from PEM (SPKI) or JWK text, for tokens that one of the algorithms signed.
 *
 * @throws UnusableKeyError
 */
export function createConfiguredKeys(
  text: string,
  algorithms: readonly string[],
): VerificationKeys {
  const jwk = text.trimStart().startsWith("{") ? parseJwk(text) : parsePem(text);
  checkPublicKey(jwk, algorithms);
  const { kid: _keyId, ...key } = jwk;
  const keySet = createLocalJWKSet({ keys: [key] });
  return {
    // There is one key: which id a token gives it does not matter.
    getKey: ({ kid: _tokenKeyId, ...header }, token) => keySet(header, token),
    generation: () => 0,
    areFresh: () => true,
  };
}

/** What each kind of key can verify (RFC 7518, section 3.1; RFC 8037; RFC 9864). */
const algorithmsByKind = new Map<unknown, readonly string[]>([
  ["RSA", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]],
  ["EC P-256", ["ES256"]],
  ["EC P-384", ["ES384"]],
  ["EC P-521", ["ES512"]],
  ["OKP Ed25519", ["EdDSA", "Ed25519"]],
]);

/**
 * Checks that tokens can be verified with a key, which jose does only once a token names it, and for
 * some of what follows not at all.
 *
 * @throws UnusableKeyError
 */
export function checkPublicKey(jwk: JWK, algorithms: readonly string[]): void {
  if ("d" in jwk || "priv" in jwk) {
    throw new UnusableKeyError("it is not a public key");
  }
  const able = algorithmsByKind.get(jwk.kty === "RSA" ? "RSA" : `${jwk.kty} ${jwk.crv}`);
  if (able === undefined) {
    throw new UnusableKeyError("it is of a kind that signs no token");
  }
  const { asymmetricKeyDetails } = importKey({ key: jwk, format: "jwk" });
  // RFC 7518, section 3.3. With the exponent 1 every signature is its own message.
  if ((asymmetricKeyDetails?.modulusLength ?? 2048) < 2048) {
    throw new UnusableKeyError("it has less than 2048 bits");
  }
  const exponent = asymmetricKeyDetails?.publicExponent ?? 3n;
  if (exponent < 3n || exponent % 2n === 0n) {
    throw new UnusableKeyError("its exponent is not an odd number from 3");
  }
  const { use = "sig", key_ops: operations = ["verify"], alg } = jwk;
  if (use !== "sig" || !Array.isArray(operations) || !operations.includes("verify")) {
    throw new UnusableKeyError("its use or key_ops is not to verify signatures");
  }
  const meant = able.filter((algorithm) => alg === undefined || alg === algorithm);
  if (!meant.some((algorithm) => algorithms.includes(algorithm))) {
    throw new UnusableKeyError(
      meant.length === 0
        ? "its alg is not one that it can do"
        : `it can do ${meant.join(", ")}, and others alone are allowed`,
    );
  }
}

function parseJwk(text: string): JWK {
  try {
    // An object, by its first character; checkPublicKey looks at the members.
    return JSON.parse(text) as JWK;
  } catch {
    throw new UnusableKeyError("it is not JSON");
  }
}

function parsePem(text: string): JWK {
  if (text.includes("PRIVATE KEY")) {
    throw new UnusableKeyError("it is not a public key");
  }
  if (text.split("-----BEGIN ").length > 2) {
    throw new UnusableKeyError("it is more than one key");
  }
  const key = importKey(text);
  try {
    // jose's type of a JWK, which says more of the members that Node leaves open.
    return key.export({ format: "jwk" }) as JWK;
  } catch {
    throw new UnusableKeyError("it is of a kind that signs no token");
  }
}

function importKey(key: string | { key: JWK; format: "jwk" }): KeyObject {
  try {
    return createPublicKey(key);
  } catch {
    // OpenSSL's reason names its own parts, not those of the key.
    throw new UnusableKeyError("it is not a key as PEM or JWK");
  }
}
