import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getOption } from "@bufbuild/protobuf";
import { StartError } from "@partner-service/settings";
import type { JWK } from "jose";
import { SignJWT } from "jose/jwt/sign";
import { exportJWK } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { importJWK } from "jose/key/import";
import { access_rule } from "../../gen/access/v1/access_pb.ts";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import type { AuthenticationConfig } from "../config/config.ts";
import { createTroubleSwitch } from "./trouble.ts";

/** What stands in for an issuer of access tokens: a key of the service's own, and tokens made with it. */
export type Sandbox = Awaited<ReturnType<typeof openSandbox>>;

/** What a sandbox's token may be other than usual, so that callers can try what they do about it. */
interface TokenWishes {
  /** Whose token it is; absent: `sandbox`. */
  readonly subject?: string | undefined;
  /** What the token may do; absent: all that there is. It may be a scope that no RPC asks for. */
  readonly scope?: string | undefined;
  /** How long it is good; absent: twelve hours. Of a token that has expired it is below 0. */
  readonly expiresInSeconds?: number | undefined;
}

/** The scopes that the contract's RPCs ask for. */
export const contractScopes: readonly string[] = [
  ...new Set(PartnerService.methods.map((method) => getOption(method, access_rule).scope)),
].sort();

const defaultLifetimeSeconds = 12 * 60 * 60;

const issuer = "partner-service-sandbox";
const audience = "partner-service";
const algorithm = "ES256";

/**
 * Opens the sandbox of a data directory, which is there and keeps its key; makes one the first time.
 *
 * @throws StartError
 */
export async function openSandbox(dataDirectory: string, organizationClaim: string) {
  const { privateKey, publicKey } = await openKey(join(dataDirectory, "sandbox-key.json"));
  const authentication: AuthenticationConfig = {
    ...{ issuer, audience, algorithms: [algorithm], requireAtJwt: true, keys: { publicKey } },
  };
  return {
    authentication,
    troubleSwitch: createTroubleSwitch(),

    /** Makes an access token that speaks for one organization. */
    createToken(
      organization: string,
      {
        subject = "sandbox",
        scope = contractScopes.join(" "),
        expiresInSeconds = defaultLifetimeSeconds,
      }: TokenWishes = {},
    ): Promise<string> {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ [organizationClaim]: organization, scope })
        .setProtectedHeader({ alg: algorithm, typ: "at+jwt" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt(now)
        .setExpirationTime(now + expiresInSeconds)
        .sign(privateKey);
    },
  };
}

/** Reads the key pair from its file, which only its owner can read. */
async function openKey(path: string) {
  if (!existsSync(path)) {
    await makeKey(path);
  }
  const text = await readFile(path, "utf8");
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
    if (!existsSync(path)) {
      throw failure;
    }
  } finally {
    await rm(aside);
  }
}
