import type { TokenRules } from "@partner-service/access-tokens";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { Caller } from "../../src/context.ts";
import { callerReader } from "../../src/interceptors/authentication.ts";
import { acme } from "./organizations.ts";

export const tokenRules: TokenRules<Caller> = {
  issuer: "https://issuer.test",
  audience: "partner-service-test",
  algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
  requireAtJwt: false,
  readCaller: callerReader("org_id"),
};

/** Makes the access tokens of a test, and holds the key that they are verified with. */
export interface TokenIssuer {
  readonly publicKey: JWK;
  readonly privateKey: CryptoKey;
  /** A good token for acme, changed by the given claims (undefined takes a claim away) and header. */
  token(claims?: Record<string, unknown>, header?: { readonly typ?: string }): Promise<string>;
}

export async function createTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    publicKey: await exportJWK(publicKey),
    privateKey,
    async token(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload: JWTPayload = {
        iss: tokenRules.issuer,
        aud: tokenRules.audience,
        sub: "test",
        iat: now,
        exp: now + 3600,
        org_id: acme,
        scope: "partners:read partners:write",
        ...claims,
      };
      return await new SignJWT(payload)
        .setProtectedHeader({ alg: "ES256", ...header })
        .sign(privateKey);
    },
  };
}
