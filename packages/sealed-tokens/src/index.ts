import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

const algorithm = "aes-256-gcm";
const keyIdLength = 4;
const nonceLength = 12;
const tagLength = 16;
const headLength = keyIdLength + nonceLength;

/**
 * Makes what seals values into tokens, which nobody reads or makes without the secret.
 *
 * @param secret what all processes of a service have in common, and nobody else knows.
 * @param use what the tokens are for, with the version of what they hold: tokens of an older release,
 * which held something else, are foreign.
 */
export function createSealing(secret: string | Uint8Array, use: string) {
  const derive = (part: string, length: number) =>
    Buffer.from(hkdfSync("sha256", secret, "", `${use}: ${part}`, length));
  const [key, nonceKey] = [derive("encryption", 32), derive("nonces", 32)];
  const keyId = derive("id", keyIdLength);
  const isOwn = (bytes: Buffer) => bytes.subarray(0, keyIdLength).equals(keyId);

  return {
    /** @param context all that the token is bound to: it is good for this only. */
    seal(context: JsonValue, value: JsonValue): string {
      const plaintext = JSON.stringify(value);
      const data = Buffer.from(JSON.stringify(context));
      // It follows from what is sealed, so that none is used twice for two things, and that one place has
      // one token.
      const nonce = createHmac("sha256", nonceKey)
        .update(data)
        .update(plaintext)
        .digest()
        .subarray(0, nonceLength);
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(data);
      const sealed = [cipher.update(plaintext, "utf8"), cipher.final()];
      return Buffer.concat([keyId, nonce, ...sealed, cipher.getAuthTag()]).toString("base64url");
    },

    /**
     * The value that was sealed for this context; undefined when it is none, or one of another context.
     *
     * @param Value what `seal` is given for such a context.
     */
    open<Value extends JsonValue>(context: JsonValue, token: string): Value | undefined {
      const bytes = read(token);
      if (bytes === undefined || !isOwn(bytes)) {
        return undefined;
      }
      const tagAt = bytes.length - tagLength;
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(keyIdLength, headLength))
        .setAAD(Buffer.from(JSON.stringify(context)))
        .setAuthTag(bytes.subarray(tagAt));
      try {
        const opened = [decipher.update(bytes.subarray(headLength, tagAt)), decipher.final()];
        // Nobody without the secret has written it, and not for another context.
        return JSON.parse(Buffer.concat(opened).toString()) as Value;
      } catch {
        return undefined;
      }
    },

    /** Whether the token may be one that was sealed by another secret, or for another use. */
    isForeign(token: string): boolean {
      const bytes = read(token);
      return bytes !== undefined && !isOwn(bytes);
    },
  };
}

/** The bytes of what has the form of a token. */
function read(token: string): Buffer | undefined {
  const bytes = Buffer.from(token, "base64url");
  const hasForm = bytes.length > headLength + tagLength && bytes.toString("base64url") === token;
  return hasForm ? bytes : undefined;
}
