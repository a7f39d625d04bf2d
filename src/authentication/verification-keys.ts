import { createPublicKey } from "node:crypto";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  exportJWK,
  type JWK,
  type JWTVerifyGetKey,
} from "jose";

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

/** How long fetched keys are used before they are fetched again. */
const freshForMs = 5 * 60_000;
/** How long the last keys are used on while their place is away. */
const usableForMs = 60 * 60_000;
/** The least time between two fetches that unknown key ids cause. */
const cooldownMs = 30_000;
const fetchTimeoutMs = 5_000;
const maxBytes = 256 * 1024;

/** One public key, from PEM (SPKI) or JWK text. Throws when the text is neither, or holds a private key. */
export async function createConfiguredKeys(text: string): Promise<VerificationKeys> {
  const jwk = text.trimStart().startsWith("{")
    ? (JSON.parse(text) as JWK) // jose checks the members when it imports the key below.
    : await exportJWK(publicKeyFromPem(text));
  if ("d" in jwk || jwk.kty === "oct") {
    throw new Error("it is not a public key");
  }
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
 * The keys that a JWKS URL publishes (RFC 7517). They are fetched when first needed, again when they
 * are no longer fresh, and when a token names a key that is not among them, though not more often
 * than every 30 seconds. While the URL does not answer, the last keys serve for an hour on.
 */
export function createPublishedKeys(url: URL): VerificationKeys {
  let generation = 0;
  let last: { readonly text: string; readonly at: number } | undefined;

  async function fetchKeys(...[address, options]: Parameters<typeof fetch>): Promise<Response> {
    try {
      const text = await readKeys(await fetch(address, options));
      if (text !== last?.text) {
        generation += 1;
      }
      last = { text, at: performance.now() };
    } catch (failure) {
      if (last === undefined || performance.now() - last.at > usableForMs) {
        throw new KeysUnavailableError(`No keys from ${url.origin}.`, { cause: failure });
      }
    }
    return Response.json(JSON.parse(last.text));
  }

  const keySet = createRemoteJWKSet(url, {
    cacheMaxAge: freshForMs,
    cooldownDuration: cooldownMs,
    timeoutDuration: fetchTimeoutMs,
    [customFetch]: fetchKeys,
  });
  return {
    async getKey(header, token) {
      try {
        return await keySet(header, token);
      } catch (failure) {
        throw failure instanceof errors.JWKSTimeout || failure instanceof errors.JWKSInvalid
          ? new KeysUnavailableError(`No keys from ${url.origin}.`, { cause: failure })
          : failure;
      }
    },
    generation: () => generation,
    areFresh: () => keySet.fresh,
  };
}

async function readKeys(response: Response): Promise<string> {
  if (response.status !== 200 || response.body === null) {
    throw new Error(`The answer has the status ${response.status}.`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw new Error(`The answer has more than ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  createLocalJWKSet(JSON.parse(text)); // Throws where this is no key set.
  return text;
}

function publicKeyFromPem(text: string) {
  if (text.includes("PRIVATE KEY")) {
    throw new Error("it is not a public key");
  }
  return createPublicKey(text);
}
