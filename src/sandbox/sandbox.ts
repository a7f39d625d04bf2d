import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import type { AuthenticationConfig } from "../config.ts";
import { makeFolder } from "../database/make-folder.ts";
import { StartError } from "../start-error.ts";

/** What stands in for an issuer of access tokens: a key of the service's own, and tokens made with it. */
export interface Sandbox {
  /** What such a token is verified by. */
  readonly authentication: AuthenticationConfig;
  /** Makes an access token that speaks for one organization, for twelve hours. */
  createToken(organization: string, scope?: string): Promise<string>;
}

/** The scopes of a token that asks for none. */
export const sandboxScope = "partners:read partners:write";

const issuer = "partner-service-sandbox";
const audience = "partner-service";
const algorithm = "ES256";

/**
 * Opens the sandbox of a data directory, which keeps its key; makes one the first time.
 *
 * @throws StartError
 */
export async function openSandbox(
  dataDirectory: string,
  organizationClaim: string,
): Promise<Sandbox> {
  const { privateKey, publicKey } = await openKey(join(dataDirectory, "sandbox-key.json"));
  return {
    authentication: {
      issuer,
      audience,
      algorithms: [algorithm],
      requireAtJwt: true,
      keys: { publicKey },
    },
    createToken: (organization, scope = sandboxScope) =>
      new SignJWT({ [organizationClaim]: organization, scope })
        .setProtectedHeader({ alg: algorithm, typ: "at+jwt" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject("sandbox")
        .setIssuedAt()
        .setExpirationTime("12 h")
        .sign(privateKey),
  };
}

/** Reads the key pair from its file, which only its owner can read. */
async function openKey(path: string) {
  makeFolder(dirname(path));
  const text = await readFile(path, "utf8").catch(async (failure) => {
    if (!hasCode(failure, "ENOENT")) {
      throw failure;
    }
    await makeKey(path);
    return await readFile(path, "utf8");
  });
  try {
    // jose checks the members as it imports the key.
    const jwk = JSON.parse(text) as JWK;
    const privateKey = await importJWK(jwk, algorithm);
    const { d: _private, ...publicKey } = jwk;
    return { privateKey, publicKey: JSON.stringify(publicKey) };
  } catch (cause) {
    throw new StartError(`${path} holds no key: delete it, and the next start makes one.`, {
      cause,
    });
  }
}

/** Writes a new key aside and links it into place: of processes that start at once, one wins. */
async function makeKey(path: string): Promise<void> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 });
  try {
    await link(aside, path);
  } catch (failure) {
    if (!hasCode(failure, "EEXIST")) {
      throw failure;
    }
  } finally {
    await rm(aside);
  }
}

function hasCode(failure: unknown, code: string): boolean {
  return failure instanceof Error && "code" in failure && failure.code === code;
}
