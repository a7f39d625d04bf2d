import type { DescField } from "@bufbuild/protobuf";
import { createSealing, type JsonValue } from "@partner-service/sealed-tokens";
import { maxItemsOf } from "@partner-service/strict-messages";
import type { ChangePosition } from "../changes/change-feed.ts";
import type { Organizations } from "../context.ts";
import { defaultPageSize } from "../partners/list-statements.ts";
import { fieldsInvalid, partnerError, violation } from "../partners/partner-error.ts";

/**
 * Makes what tells the size of the page that a request asks for. None is refused: 0 stands for the default,
 * and more than the contract lets the list of the answer have for as many as that.
 */
export function createPageSizes(list: DescField, fallback = defaultPageSize) {
  const greatest = maxItemsOf(list);
  if (greatest === undefined) {
    throw new Error(`The contract does not say how many entries ${list} holds at most.`);
  }
  return (requested: number): number => Math.min(requested || fallback, greatest);
}

export type PageTokens = ReturnType<typeof createPageTokens>;

export type ChangeTokens = ReturnType<typeof createChangeTokens>;

/**
 * Makes what seals page tokens. A position holds what a list is ordered by, an e-mail address for one,
 * and a token stands in the URL of a GET, which logs repeat: nobody reads it without the secret. It
 * grants nothing all the same.
 */
export function createPageTokens(secret: string | Uint8Array) {
  const { seal, open } = createSealing(secret, "partner-service page tokens 3");
  return {
    /** @param list all that tells the list from others: the token is good for this one only. */
    write: (list: JsonValue, position: JsonValue) => seal(list, position),

    /**
     * The position that was written for this list; undefined for an empty token, which asks for the
     * first page.
     *
     * @throws PartnerError FIELD_INVALID when it is none, or one of another list.
     */
    read: <Position extends JsonValue>(list: JsonValue, token: string) =>
      demand(open<Position>(list, token), token, "page_token", "list"),
  };
}

/** Makes what seals change tokens, likewise. A token is good for who follows whose book. */
export function createChangeTokens(secret: string | Uint8Array) {
  const { seal, open, isForeign } = createSealing(secret, "partner-service change tokens 1");
  return {
    write: ({ requester, target }: Organizations, position: ChangePosition) =>
      seal([requester, target], position),

    /**
     * The position that was written; undefined for an empty token, which begins anew.
     *
     * @throws PartnerError CHANGE_TOKEN_EXPIRED when it is sealed by a secret that was in use before,
     * FIELD_INVALID when it is none, or one of other organizations.
     */
    read({ requester, target }: Organizations, token: string) {
      if (isForeign(token)) {
        throw partnerError("CHANGE_TOKEN_EXPIRED");
      }
      const position = open<ChangePosition>([requester, target], token);
      return demand(position, token, "change_token", "book");
    },
  };
}

/** What a token of a request was opened to; undefined for an empty one. */
function demand<Position>(
  position: Position | undefined,
  token: string,
  field: string,
  of: string,
): Position | undefined {
  if (position === undefined && token !== "") {
    throw fieldsInvalid([violation(field, `is not a next_${field} of this ${of}`, field)]);
  }
  return position;
}
