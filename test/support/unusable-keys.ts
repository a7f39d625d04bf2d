import { generateKeyPairSync, type KeyObject } from "node:crypto";

/** A key that no token can be verified with, as a file holds it, and the reason. */
interface UnusableKey {
  readonly text: string;
  readonly why: string;
}

const jwkOf = (key: KeyObject) => key.export({ format: "jwk" });
const pemOf = (key: KeyObject) => key.export({ format: "pem", type: "spki" }).toString();

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ecJwk = jwkOf(ec.publicKey);
const rsaJwk = jwkOf(rsa.publicKey);
const secp256k1 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey;
const x25519 = generateKeyPairSync("x25519").publicKey;

const notPublic = "it is not a public key";
const noKind = "it is of a kind that signs no token";
const noKey = "it is not a key as PEM or JWK";
const noVerifying = "its use or key_ops is not to verify signatures";
const badExponent = "its exponent is not an odd number from 3";
const cannot = (algorithms: string) => `it can do ${algorithms}, and others alone are allowed`;

const json = (jwk: object, why: string): UnusableKey => ({ text: JSON.stringify(jwk), why });

/** For rules that allow RS256, PS256, ES256 and EdDSA. */
export const unusableKeys: Readonly<Record<string, UnusableKey>> = {
  private: json(jwkOf(ec.privateKey), notPublic),
  symmetric: json({ kty: "oct", k: "AAAA" }, noKind),
  malformed: json({ kty: "EC", crv: "P-256", x: "AA", y: "AA" }, noKey),
  empty: json({ kty: "EC", crv: "P-256" }, noKey),
  "of an unknown kind": json({ kty: "XX" }, noKind),
  "RSA on a curve": json({ kty: "RSA", crv: "P-256" }, noKey),
  "RSA with 1024 bits": json(
    { kty: "RSA", e: "AQAB", n: Buffer.alloc(128, 0xcd).toString("base64url") },
    "it has less than 2048 bits",
  ),
  "RSA with the exponent 1": json({ ...rsaJwk, e: "AQ" }, badExponent),
  "RSA with the exponent 65536": json({ ...rsaJwk, e: "AQAA" }, badExponent),
  "for X25519": json(jwkOf(x25519), noKind),
  "for Ed448": json(jwkOf(generateKeyPairSync("ed448").publicKey), noKind),
  "on secp256k1": json(jwkOf(secp256k1), noKind),
  "for an algorithm that is not allowed": json(
    jwkOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey),
    cannot("ES384"),
  ),
  "meant for an algorithm that is not allowed": json({ ...rsaJwk, alg: "RS512" }, cannot("RS512")),
  "meant for an algorithm that it cannot do": json(
    { ...ecJwk, alg: "RS256" },
    "its alg is not one that it can do",
  ),
  "for encryption": json({ ...ecJwk, use: "enc" }, noVerifying),
  "for signing alone": json({ ...ecJwk, key_ops: ["sign"] }, noVerifying),
  "for no operation": json({ ...ecJwk, key_ops: "verify" }, noVerifying),
  "a private PEM": {
    text: ec.privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    why: notPublic,
  },
  "two PEMs": { text: pemOf(ec.publicKey) + pemOf(rsa.publicKey), why: "it is more than one key" },
  "a PEM for X25519": { text: pemOf(x25519), why: noKind },
  "a PEM on secp256k1": { text: pemOf(secp256k1), why: noKind },
  "a PEM for RSASSA-PSS alone": {
    text: pemOf(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey),
    why: noKind,
  },
  "no key at all": { text: "key", why: noKey },
  "a PEM that is cut": { text: pemOf(ec.publicKey).slice(0, 90), why: noKey },
  "JSON that is cut": { text: JSON.stringify(ecJwk).slice(0, 20), why: "it is not JSON" },
};
