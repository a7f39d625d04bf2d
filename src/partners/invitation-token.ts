import { hash, randomBytes } from "node:crypto";

/** Bytes of the partner's id, by which its row is found in the book of the host. */
const idLength = 16;
/** Bytes of the secret: 256 random bits. */
const secretLength = 32;

/** What is looked for in the host's book for a token. */
export interface InvitationKey {
  readonly partnerId: string;
  /** SHA-256 of the token, in hex: all that the database holds of it. */
  readonly tokenHash: string;
}

/** Makes a new token for a partner's invitation. Only its holder knows it. */
export function createInvitationToken(partnerId: string): string {
  const id = Buffer.from(partnerId.replaceAll("-", ""), "hex");
  return Buffer.concat([id, randomBytes(secretLength)]).toString("base64url");
}

/**
 * Reads what to look for. What is no token reads as one that nobody issued, so that the same is done
 * for it, in the same time.
 */
export function readInvitationToken(token: string): InvitationKey {
  const bytes = Buffer.alloc(idLength + secretLength);
  bytes.write(token, "base64url");
  const hex = bytes.toString("hex", 0, idLength);
  return {
    partnerId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    tokenHash: hash("sha256", token, "hex"),
  };
}
