import { type DescField, getOption } from "@bufbuild/protobuf";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ListPartnersResponseSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import { fieldsInvalid } from "./partner-error.ts";
import { createSealing, type JsonValue } from "./sealing.ts";

/** How many entries a page holds, where the caller does not say. */
export const defaultPageSize = 20;

/** How many a page holds at most, as the contract says of the answer. */
const greatestPageSize = readMaxItems(ListPartnersResponseSchema.field.partners);

/** How many entries the contract lets a list have. */
export function readMaxItems(descriptor: DescField): number {
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

/**
 * Makes what seals page tokens. A position holds what a list is ordered by, an e-mail address for one,
 * and a token stands in the URL of a GET, which logs repeat: nobody reads it without the secret. It
 * grants nothing all the same.
 *
 * @param secret what all processes of the service have in common, and nobody else knows.
 */
export function createPageTokens(secret: string | Uint8Array): PageTokens {
  const sealing = createSealing(secret, "page tokens 3");
  return {
    write: sealing.seal,
    read<Position extends JsonValue>(list: JsonValue, token: string) {
      const position = token === "" ? undefined : sealing.open<Position>(list, token);
      if (token !== "" && position === undefined) {
        const description = "is not a next_page_token of this list";
        throw fieldsInvalid([{ field: "page_token", description, reason: "page_token" }]);
      }
      return position;
    },
  };
}
