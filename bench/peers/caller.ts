import { readFile } from "node:fs/promises";
import { importSPKI, type JWTPayload, jwtVerify } from "jose";
import type { PeerSettings } from "./settings.ts";

/** Verifies a token and returns its claims. Throws what jose throws. */
export type VerifyToken = (token: string) => Promise<JWTPayload>;

/** Verifies each token with jose, on each call. */
export async function createVerifier(settings: PeerSettings): Promise<VerifyToken> {
  const { publicKeyFile, issuer, audience } = settings;
  const key = await importSPKI(await readFile(publicKeyFile, "utf8"), "RS256");
  return async (token) => {
    const { payload } = await jwtVerify(token, key, { algorithms: ["RS256"], issuer, audience });
    return payload;
  };
}

/** Verifies each token once, and remembers its claims until it expires. */
export function remember(verify: VerifyToken): VerifyToken {
  const verified = new Map<string, JWTPayload>();
  return async (token) => {
    const known = verified.get(token);
    if (known?.exp !== undefined && known.exp * 1000 > Date.now()) {
      return known;
    }
    const payload = await verify(token);
    if (verified.size >= 1000) {
      verified.clear();
    }
    verified.set(token, payload);
    return payload;
  };
}

/**
 * The organization whose book a call may use: the one that calls, if the token speaks for it and has
 * the scope. Otherwise undefined.
 */
export function permittedOrganization(
  claims: JWTPayload,
  scope: "partners:read" | "partners:write",
  requester: string | undefined,
  target: string | undefined,
): string | undefined {
  const { org_id: organization, scope: scopes } = claims;
  const inScope = typeof scopes === "string" && scopes.split(" ").includes(scope);
  return inScope && requester === organization && target === organization ? target : undefined;
}

/** The token of `Bearer TOKEN`; empty where there is none, which no verifier accepts. */
export function bearerToken(authorization: string | null | undefined): string {
  return authorization?.startsWith("Bearer ") === true ? authorization.slice(7) : "";
}
