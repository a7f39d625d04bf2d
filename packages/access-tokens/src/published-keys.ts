import { channel } from "node:diagnostics_channel";
import type { JWK } from "jose";
import { createLocalJWKSet } from "jose/jwks/local";
import { createRemoteJWKSet, customFetch } from "jose/jwks/remote";
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

/** Publishes how each fetch ended: `{ fetched: boolean }`. */
const keysChannel = channel("access-tokens.keys");

/**
 * The keys that a JWKS URL publishes (RFC 7517). jose fetches them when first needed, one fetch at a
 * time, and when a token names a key that is not among them, though not more often than every 30
 * seconds. What is added here: how much is read has a bound, keys that cannot be used are left out, a
 * URL that fails is asked once a second at most, and calls do not wait for a URL that is known to be
 * away while the last keys serve, which is an hour.
 *
 * @param algorithms - those that tokens may be signed with
 */
export function createPublishedKeys(
  url: URL,
  algorithms: readonly string[],
  { now = () => performance.now(), fetchTimeoutMs = 5_000 }: PublishedKeysOptions = {},
): VerificationKeys {
  let generation = 0;
  let text = "";
  let fetchedAt = Number.NEGATIVE_INFINITY;
  /** Why the last fetch failed, if it did, and when. */
  let failure: KeysUnavailableError | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  const age = () => now() - fetchedAt;

  async function fetchKeys(signal: AbortSignal): Promise<Response> {
    if (failure !== undefined && now() < failedAt + retryMs) {
      throw failure;
    }
    try {
      const usable = selectUsable(await download(url, signal), algorithms);
      generation += usable === text ? 0 : 1;
      text = usable;
      fetchedAt = now();
      failure = undefined;
      keysChannel.publish({ fetched: true });
      return new Response(usable);
    } catch (cause) {
      failure = new KeysUnavailableError(`No keys from ${url.origin}.`, { cause });
      failedAt = now();
      keysChannel.publish({ fetched: false });
      throw failure;
    }
  }

  const remote = createRemoteJWKSet(url, {
    timeoutDuration: fetchTimeoutMs,
    cooldownDuration: cooldownMs,
    // By the clock of the wall, which may be set back: how old keys may be is decided below.
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [customFetch]: (_url, { signal }) => fetchKeys(signal),
  });

  return {
    async getKey(header, token) {
      if (age() >= freshForMs) {
        const isAway = failure !== undefined;
        // How it ends is kept in `failure`.
        const reloaded = remote.reload().catch(() => undefined);
        if (!isAway || age() >= usableForMs) {
          await reloaded;
        }
        if (age() >= usableForMs) {
          throw failure;
        }
      }
      return await remote(header, token);
    },
    generation: () => generation,
    areFresh: () => age() < freshForMs,
  };
}

async function download(url: URL, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, {
    headers: { Accept: "application/jwk-set+json, application/json" },
    redirect: "error",
    signal,
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
function selectUsable(text: string, algorithms: readonly string[]): string {
  const { keys } = createLocalJWKSet(JSON.parse(text)).jwks();
  return JSON.stringify({ keys: keys.filter((jwk) => isUsable(jwk, algorithms)) });
}

function isUsable(jwk: JWK, algorithms: readonly string[]): boolean {
  try {
    checkPublicKey(jwk, algorithms);
    return true;
  } catch {
    return false;
  }
}
