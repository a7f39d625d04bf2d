import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { type DescField, getOption } from "@bufbuild/protobuf";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ListPartnersResponseSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import { fieldsInvalid, type PartnerError } from "./partner-error.ts";

/** How many entries a page holds, where the caller does not say. */
export const defaultPageSize = 20;

/** How many a page holds at most, as the contract says of the answer. */
const greatestPageSize = readMaxItems(ListPartnersResponseSchema.field.partners);

function readMaxItems(descriptor: DescField): number {
  const { type } = getOption(descriptor, fieldOption);
  if (type.case !== "repeated" || type.value.maxItems === 0n) {
    throw new Error(`The contract does not say how many entries ${descriptor} holds at most.`);
  }
  return Number(type.value.maxItems);
}

/** The size of the page that a request asks for: 0 stands for the default, and none is refused. */
export function toPageSize(requested: number): number {
  return Math.min(requested || defaultPageSize, greatestPageSize);
}

/** Writes places in lists as page tokens, and reads them. */
export interface PageTokens {
  /** @param list all that tells the list from others: the token is good for this one only. */
  write(list: JsonValue, position: JsonValue): string;
  /**
   * The position that was written for this list; undefined for an empty token, which asks for the
   * first page.
   *
   * @throws PartnerError FIELD_INVALID when it is none, or one of another list.
   */
  read<Position extends JsonValue>(list: JsonValue, token: string): Position | undefined;
}

type JsonValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Changes with the meaning of what a token holds, so that tokens of an older release are refused. */
const version = 2;

const algorithm = "aes-256-gcm";
const nonceLength = 12;
const tagLength = 16;

/**
 * Makes what seals page tokens. A position holds what a list is ordered by, an e-mail address for one,
 * and a token stands in the URL of a GET, which logs repeat: nobody reads it without the secret. It
 * grants nothing all the same.
 *
 * @param secret what all processes of the service have in common, and nobody else knows.
 */
export function createPageTokens(secret: string | Uint8Array): PageTokens {
  const keyFor = (use: string) =>
    Buffer.from(hkdfSync("sha256", secret, "", `partner-service page tokens: ${use}`, 32));
  const [key, nonceKey] = [keyFor("encryption"), keyFor("nonces")];
  const associatedData = (list: JsonValue) => Buffer.from(JSON.stringify([version, list]));

  return {
    write(list, position) {
      const plaintext = JSON.stringify(position);
      const data = associatedData(list);
      // It follows from what is sealed, so that none is used twice for two things, and that one place has
      // one token.
      const nonce = createHmac("sha256", nonceKey)
        .update(data)
        .update(plaintext)
        .digest()
        .subarray(0, nonceLength);
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(data);
      const sealed = [cipher.update(plaintext, "utf8"), cipher.final()];
      return Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]).toString("base64url");
    },

    read<Position extends JsonValue>(list: JsonValue, token: string) {
      if (token === "") {
        return undefined;
      }
      const bytes = Buffer.from(token, "base64url");
      const tagAt = bytes.length - tagLength;
      if (tagAt <= nonceLength || bytes.toString("base64url") !== token) {
        throw notOfThisList();
      }
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceLength))
        .setAAD(associatedData(list))
        .setAuthTag(bytes.subarray(tagAt));
      try {
        const opened = [decipher.update(bytes.subarray(nonceLength, tagAt)), decipher.final()];
        // Nobody without the secret has written it, and not for another list or version.
        return JSON.parse(Buffer.concat(opened).toString()) as Position;
      } catch {
        throw notOfThisList();
      }
    },
  };
}

function notOfThisList(): PartnerError {
  const description = "is not a next_page_token of this list";
  return fieldsInvalid([{ field: "page_token", description, reason: "page_token" }]);
}
