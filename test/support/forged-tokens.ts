import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  KeyObject as Key,
  type KeyObject,
  sign,
} from "node:crypto";
import { CompactEncrypt, exportJWK } from "jose";
import { acme } from "./organizations.ts";
import { type TokenIssuer, tokenRules } from "./tokens.ts";

const now = Math.floor(Date.now() / 1000);

/** The claims of a good token for acme. */
export const goodClaims = {
  iss: tokenRules.issuer,
  aud: tokenRules.audience,
  sub: "test",
  iat: now,
  exp: now + 3600,
  org_id: acme,
  scope: "partners:read partners:write",
};

function encode(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return Buffer.from(text).toString("base64url");
}

/** The part of a token that is signed; what is given as a string is taken as JSON text. */
function signingInput(header: unknown, claims: unknown = goodClaims): string {
  return `${encode(header)}.${encode(claims)}`;
}

/** A token signed as ES256 signs, whatever its header says. */
function signEs256(key: KeyObject, header: unknown, claims: unknown = goodClaims): string {
  const input = signingInput(header, claims);
  const signature = sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

function signHs256(secret: string | Buffer, header: unknown): string {
  const input = signingInput(header);
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

/**
 * The published attacks on JWT libraries (RFC 8725 and the advisories since), each as a token that
 * must not be accepted although its claims are good.
 */
export async function forgedTokens(issuer: TokenIssuer): Promise<Record<string, string>> {
  const good = await issuer.token();
  const [header = "", payload = "", signature = ""] = good.split(".");
  const privateKey = Key.from(issuer.privateKey);
  const publicKey = createPublicKey(privateKey);
  const attacker = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const attackerRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const attackerJwk = await exportJWK(attacker.publicKey);
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const der = publicKey.export({ type: "spki", format: "der" });
  const es256 = { alg: "ES256" };
  const byAttacker = (extra: object) => signEs256(attacker.privateKey, { ...es256, ...extra });
  const byIssuer = (value: unknown, claims?: unknown) => signEs256(privateKey, value, claims);
  const rsaInput = signingInput({ alg: "RS256" });
  const bytes = Buffer.from(signature, "base64url");
  const withSignature = (value: Buffer) => `${header}.${payload}.${value.toString("base64url")}`;
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(10) ^ 1, 10);
  const jwe = new CompactEncrypt(Buffer.from(good))
    .setProtectedHeader({ alg: "ECDH-ES", enc: "A256GCM" })
    .encrypt(publicKey);

  return {
    ...Object.fromEntries(
      ["none", "None", "NONE", "nOnE", "none ", "", "null", "undefined"].flatMap((alg) => [
        [`alg ${JSON.stringify(alg)} without a signature`, `${signingInput({ alg })}.`],
        [
          `alg ${JSON.stringify(alg)} with the good signature`,
          `${signingInput({ alg })}.${signature}`,
        ],
      ]),
    ),
    "no alg": byIssuer({ typ: "JWT" }),
    "alg null": byIssuer({ alg: null }),
    "alg as a list": byIssuer({ alg: ["ES256"] }),
    "alg in lower case": byIssuer({ alg: "es256" }),
    "alg __proto__": byIssuer({ alg: "__proto__" }),
    "alg constructor": byIssuer({ alg: "constructor" }),
    "HMAC with the public key as PEM": signHs256(pem, { alg: "HS256" }),
    "HMAC with the public key as PEM, trimmed": signHs256(pem.trim(), { alg: "HS256" }),
    "HMAC with the public key as DER": signHs256(der, { alg: "HS256" }),
    "HMAC with the public key as JWK": signHs256(JSON.stringify(issuer.publicKey), {
      alg: "HS256",
    }),
    "HMAC with an empty secret": signHs256("", { alg: "HS256" }),
    "HMAC under the allowed algorithm": signHs256(pem, es256),
    "another key": byAttacker({}),
    "another key of another algorithm": `${rsaInput}.${sign("sha256", Buffer.from(rsaInput), attackerRsa.privateKey).toString("base64url")}`,
    "an algorithm that is not allowed": byIssuer({ alg: "ES512" }),
    "a post-quantum algorithm": byIssuer({ alg: "ML-DSA-44" }),
    "an embedded jwk": byAttacker({ jwk: attackerJwk }),
    "an embedded jwk and its kid": byAttacker({ jwk: { ...attackerJwk, kid: "a" }, kid: "a" }),
    "a jku": byAttacker({ jku: "http://127.0.0.1:9/jwks.json" }),
    "an x5u": byAttacker({ x5u: "http://127.0.0.1:9/cert.pem" }),
    "an x5c": byAttacker({ x5c: [der.toString("base64")], x5t: "AAAA" }),
    "a kid as a path": byAttacker({ kid: "../../../../../../dev/null" }),
    "a kid as SQL": byAttacker({ kid: "x' union select 'key' --" }),
    "a kid as a shell command": byAttacker({ kid: "$(id)|id;id" }),
    "a kid as an object": byAttacker({ kid: { toString: "a" } }),
    ...Object.fromEntries(
      [
        "logout+jwt",
        "dpop+jwt",
        "id_token",
        "secevent+jwt",
        "application/at+jwt2",
        "",
        null,
        5,
      ].map((typ) => [`typ ${JSON.stringify(typ)}`, byIssuer({ ...es256, typ })]),
    ),
    "typ as a list": byIssuer({ ...es256, typ: ["at+jwt"] }),
    "an unknown crit": byIssuer({ ...es256, crit: ["unheard-of"], "unheard-of": true }),
    "an empty crit": byIssuer({ ...es256, crit: [] }),
    "a crit that is no list": byIssuer({ ...es256, crit: "exp" }),
    "b64 false": byIssuer({ ...es256, b64: false, crit: ["b64"] }),
    "an unencoded payload": `${encode({ ...es256, b64: false, crit: ["b64"] })}.payload.${signature}`,
    "a JWE to the public key": await jwe,
    "JSON serialization": JSON.stringify({ protected: header, payload, signature }),
    "general JSON serialization": JSON.stringify({
      payload,
      signatures: [{ protected: header, signature }],
    }),
    "two parts": `${header}.${payload}`,
    "four parts": `${good}.${signature}`,
    "five parts": `${good}.${payload}.${signature}`,
    "empty parts": "..",
    "no header": `.${payload}.${signature}`,
    "no payload": `${header}..${signature}`,
    "no signature": `${header}.${payload}.`,
    padding: `${good}==`,
    "trailing garbage": `${good}AAAA`,
    "a trailing dot": `${good}.`,
    "characters of plain base64": `${header}.${payload}.${signature.slice(0, -2)}+/`,
    "characters of no alphabet": `${header}.${payload}.${signature.slice(0, 40)}!*${signature.slice(40)}`,
    "a percent-encoded dot": good.replace(".", "%2E"),
    "a cut signature": good.slice(0, -4),
    "a flipped bit in the signature": withSignature(flipped),
    "a DER signature": `${header}.${payload}.${sign("sha256", Buffer.from(`${header}.${payload}`), privateKey).toString("base64url")}`,
    "r = s = 0": withSignature(Buffer.alloc(64)),
    "r = s = 0 in one byte": withSignature(Buffer.alloc(1)),
    "r = 0": withSignature(Buffer.concat([Buffer.alloc(32), bytes.subarray(32)])),
    "s = 0": withSignature(Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32)])),
    "r and s past the group's order": withSignature(Buffer.alloc(64, 0xff)),
    "other claims under the good signature": `${header}.${encode({ ...goodClaims, sub: "admin" })}.${signature}`,
    "another header over the good signature": `${encode({ alg: "ES256", kid: "a" })}.${payload}.${signature}`,
    "a header that is no JSON": byIssuer("{"),
    "a header that is a list": byIssuer("[]"),
    "a header that is null": byIssuer("null"),
    "claims that are no JSON": byIssuer(es256, "{"),
    "claims that are a list": byIssuer(es256, [goodClaims]),
    "claims that are null": byIssuer(es256, "null"),
    "claims that are a text": byIssuer(es256, '"claims"'),
    "a nested token": byAttacker({ cty: "JWT" }),
    "deeply nested claims": byIssuer(es256, `{"a":${"[".repeat(3000)}`),
  };
}

/** Changes of good claims, under a good signature, that make a token unacceptable. */
export const badClaims: Readonly<Record<string, Record<string, unknown>>> = {
  "no iss": { iss: undefined },
  "another iss": { iss: "https://evil.test" },
  "iss with a slash more": { iss: `${tokenRules.issuer}/` },
  "iss as a list": { iss: [tokenRules.issuer] },
  "iss null": { iss: null },
  "no aud": { aud: undefined },
  "another aud": { aud: "another-service" },
  "aud of other services": { aud: ["a", "b"] },
  "an empty list as aud": { aud: [] },
  "aud as an object": { aud: { [tokenRules.audience]: true } },
  "aud in a list in a list": { aud: [[tokenRules.audience]] },
  "aud in upper case": { aud: tokenRules.audience.toUpperCase() },
  "no exp": { exp: undefined },
  "exp as a text": { exp: String(now + 3600) },
  "exp null": { exp: null },
  "exp as an object": { exp: { valueOf: now + 3600 } },
  "exp true": { exp: true },
  "nbf as a text": { nbf: String(now) },
  "nbf in an hour": { nbf: now + 3600 },
  "iat as a text": { iat: "now" },
  "no sub": { sub: undefined },
  "an empty sub": { sub: "" },
  "sub as a number": { sub: 7 },
  "sub as an object": { sub: {} },
  "no organization": { org_id: undefined },
  "organization null": { org_id: null },
  "organization as an object": { org_id: { id: acme } },
  "organization as a number": { org_id: 1 },
  "organization in a list in a list": { org_id: [[acme]] },
  "an empty list of organizations": { org_id: [] },
  "organizations with a number among them": { org_id: [acme, 1] },
  "organizations with null among them": { org_id: [acme, null] },
  "scope as a list": { scope: ["partners:write"] },
  "scope as an object": { scope: { "partners:write": true } },
  "scope null": { scope: null },
};
