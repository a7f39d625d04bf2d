import { SignJWT } from "jose";
import type { TokenRules } from "../authentication/token-verifier.ts";
import type { SandboxKey } from "./sandbox-key.ts";

/** The scopes of a sandbox token that asks for none. */
export const sandboxScope = "partners:read partners:write";

const lifetime = "12 h";

/** What the sandbox demands of a token. */
export function sandboxTokenRules(organizationClaim: string): TokenRules {
  return {
    issuer: "partner-service-sandbox",
    audience: "partner-service",
    algorithms: ["ES256"],
    requireAtJwt: true,
    organizationClaim,
  };
}

/** Makes an access token for the sandbox: it speaks for one organization, for twelve hours. */
export async function createSandboxToken(
  key: SandboxKey,
  rules: TokenRules,
  organization: string,
  scope: string = sandboxScope,
): Promise<string> {
  return await new SignJWT({ [rules.organizationClaim]: organization, scope })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
    .setIssuer(rules.issuer)
    .setAudience(rules.audience)
    .setSubject("sandbox")
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(key.privateKey);
}
