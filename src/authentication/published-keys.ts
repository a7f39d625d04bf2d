import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from "jose";
import {
  checkPublicKey,
  KeysUnavailableError,
  type VerificationKeys,
} from "./verification-keys.ts";

/** How long fetched keys are used before they are fetched again. */
export const freshForMs = 5 * 60_000;
/** How long the last keys are used on while their place is away. */
export const usableForMs = 60 * 60_000;
/** The least time from a fetch to the next one that an unknown key id causes. */
export const cooldownMs = 30_000;
/** The least time from a fetch that failed to the next one. */
export const retryMs = 1_000;
/** The largest key set that is read. */
const maxBytes = 256 * 1024;

export interface PublishedKeysOptions {
  /** A clock that never goes back, in milliseconds. */
  readonly now?: () => number;
  /** After how long a fetch has failed. */
  readonly fetchTimeoutMs?: number;
}

interface FetchedKeys {
  readonly text: string;
  readonly find: JWTVerifyGetKey;
  readonly at: number;
}

/**
 * The keys that a JWKS URL publishes (RFC 7517). They are fetched when first needed, again when they
 * are no longer fresh, and when a token names a key that is not among them, though not more often
 * than every 30 seconds. While the URL does not answer it is tried every second at most, and the
 * last keys serve for an hour on.
 *
 * jose has such a key set too. This one bounds what it reads and how often it asks a URL that fails,
 * and does not make calls wait for a URL that is known to be away.
 */
export function createPublishedKeys(
  url: URL,
  { now = () => performance.now(), fetchTimeoutMs = 5_000 }: PublishedKeysOptions = {},
): VerificationKeys {
  let generation = 0;
  let keys: FetchedKeys | undefined;
  let nextFetchAt = now();
  let fetching: Promise<void> | undefined;
  /** Why the last fetch failed, if it did. */
  let failure: unknown;

  function age(): number {
    return keys === undefined ? Number.POSITIVE_INFINITY : now() - keys.at;
  }

  /** Settles after the fetch under way, or the one that it starts if it may; never rejects. */
  async function refresh(): Promise<void> {
    if (fetching === undefined && now() >= nextFetchAt) {
      fetching = fetchKeys().finally(() => {
        fetching = undefined;
      });
    }
    await fetching;
  }

  async function fetchKeys(): Promise<void> {
    try {
      const text = await download(url, fetchTimeoutMs);
      // Made anew only when the text has changed: a key set keeps the keys that it has imported.
      const find = text === keys?.text ? keys.find : readKeySet(text);
      generation += text === keys?.text ? 0 : 1;
      keys = { text, find, at: now() };
      failure = undefined;
      nextFetchAt = now() + cooldownMs;
    } catch (reason) {
      failure = reason;
      nextFetchAt = now() + retryMs;
    }
  }

  function unavailable(): KeysUnavailableError {
    return new KeysUnavailableError(`No keys from ${url.origin}.`, { cause: failure });
  }

  return {
    async getKey(header, token) {
      if (age() >= freshForMs) {
        const refreshed = refresh();
        if (failure === undefined || age() >= usableForMs) {
          await refreshed;
        }
      }
      if (keys === undefined || age() >= usableForMs) {
        throw unavailable();
      }
      try {
        return await keys.find(header, token);
      } catch (reason) {
        if (!(reason instanceof errors.JWKSNoMatchingKey)) {
          throw reason;
        }
      }
      await refresh();
      if (failure !== undefined) {
        throw unavailable();
      }
      return await keys.find(header, token);
    },
    generation: () => generation,
    areFresh: () => age() < freshForMs,
  };
}

async function download(url: URL, timeoutMs: number): Promise<string> {
  const response = await fetch(url, {
    headers: { Accept: "application/jwk-set+json, application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
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
  return Buffer.concat(chunks).toString("utf8");
}

/** Leaves out the keys that cannot be used here: a set may hold keys for others (RFC 7517, section 5). */
function readKeySet(text: string): JWTVerifyGetKey {
  const { keys } = createLocalJWKSet(JSON.parse(text)).jwks();
  return createLocalJWKSet({ keys: keys.filter(isUsable) });
}

function isUsable(jwk: JWK): boolean {
  try {
    checkPublicKey(jwk);
    return true;
  } catch {
    return false;
  }
}
