/** A token that was verified, and what the verification rests on. */
export interface VerifiedToken<Caller> {
  readonly caller: Caller;
  /** Seconds since the epoch after which the token no longer holds. */
  readonly validUntil: number;
  /** The generation of the keys that it was verified with. */
  readonly keysGeneration: number;
}

/** Bounds of the cache: about 10 MB with tokens of a usual size. */
export const maxTokens = 10_000;
export const maxCharacters = 8 * 1024 * 1024;

/**
 * Remembers verified tokens, bounded in number and size; what was verified longest ago goes first. To
 * remember when each was last used would cost every call, and spare few a second verification.
 *
 * It is keyed by the whole token: the same claims with another signature are another token.
 */
export function createVerifiedTokenCache<Caller>() {
  // A Map iterates in order of insertion.
  const tokens = new Map<string, VerifiedToken<Caller>>();
  let characters = 0;

  function remove(token: string): void {
    if (tokens.delete(token)) {
      characters -= token.length;
    }
  }

  return {
    /** The caller of a token that still holds now, in seconds since the epoch. */
    get(token: string, keysGeneration: number, now: number): Caller | undefined {
      const verified = tokens.get(token);
      if (verified === undefined) {
        return undefined;
      }
      if (verified.keysGeneration !== keysGeneration || verified.validUntil <= now) {
        remove(token);
        return undefined;
      }
      return verified.caller;
    },

    set(token: string, verified: VerifiedToken<Caller>): void {
      remove(token);
      tokens.set(token, verified);
      characters += token.length;
      for (const oldest of tokens.keys()) {
        if (tokens.size <= maxTokens && characters <= maxCharacters) {
          break;
        }
        remove(oldest);
      }
    },
  };
}
