import {
  type ListPartnerChangesRequest,
  type ListPartnerChangesResponse,
  ListPartnerChangesResponseSchema,
  type PartnerChange,
} from "../../gen/partner/v1/partner_service_pb.ts";
import type { Organizations } from "../context.ts";
import {
  type ChangePage,
  type ChangePosition,
  type ChangeQuery,
  defaultChanges,
} from "./change-feed.ts";
import { readMaxItems } from "./paging.ts";
import type { Partner } from "./partner-entity.ts";
import { changeTokenExpired, fieldsInvalid } from "./partner-error.ts";
import { toPartnerMessage, toTimestamp } from "./partner-mapping.ts";
import { createSealing } from "./sealing.ts";

/** Writes how far a follower has come as change tokens, and reads them. */
export interface ChangeTokens {
  /** @param organizations who follows whose book: the token is good for them only. */
  write(organizations: Organizations, position: ChangePosition): string;
  /**
   * The position that was written; undefined for an empty token, which begins anew.
   *
   * @throws PartnerError CHANGE_TOKEN_EXPIRED when it is sealed by a secret that was in use before,
   * FIELD_INVALID when it is none, or one of other organizations.
   */
  read(organizations: Organizations, token: string): ChangePosition | undefined;
}

/**
 * Makes what seals change tokens.
 *
 * @param secret what all processes of the service have in common, and nobody else knows.
 */
export function createChangeTokens(secret: string | Uint8Array): ChangeTokens {
  const sealing = createSealing(secret, "change tokens 1");
  const contextOf = ({ requester, target }: Organizations) => [requester, target];
  return {
    write: (organizations, position) => sealing.seal(contextOf(organizations), position),
    read(organizations, token) {
      if (token === "") {
        return undefined;
      }
      if (sealing.isForeign(token)) {
        throw changeTokenExpired();
      }
      const position = sealing.open<ChangePosition>(contextOf(organizations), token);
      if (position === undefined) {
        const description = "is not a next_change_token of this book";
        throw fieldsInvalid([{ field: "change_token", description, reason: "change_token" }]);
      }
      return position;
    },
  };
}

const greatestPageSize = readMaxItems(ListPartnerChangesResponseSchema.field.changes);

/**
 * What a validated request asks for.
 *
 * @throws PartnerError CHANGE_TOKEN_EXPIRED, FIELD_INVALID
 */
export function toChangeQuery(
  { changeToken, pageSize }: Pick<ListPartnerChangesRequest, "changeToken" | "pageSize">,
  organizations: Organizations,
  changeTokens: ChangeTokens,
): ChangeQuery {
  return {
    organizationId: organizations.target,
    after: changeTokens.read(organizations, changeToken),
    pageSize: Math.min(pageSize || defaultChanges, greatestPageSize),
  };
}

/** What has changed, as the contract shows it. */
export function toChangesResponse(
  { partners, position, more }: ChangePage,
  organizations: Organizations,
  changeTokens: ChangeTokens,
): Omit<ListPartnerChangesResponse, "$typeName"> {
  return {
    changes: partners.map(toChangeMessage),
    nextChangeToken: changeTokens.write(organizations, position),
    more,
  };
}

function toChangeMessage(partner: Partner): PartnerChange {
  const { id, deletedAt } = partner;
  return {
    $typeName: "partner.v1.PartnerChange",
    change:
      deletedAt === null
        ? { case: "partner", value: toPartnerMessage(partner) }
        : {
            case: "deletedPartner",
            value: {
              $typeName: "partner.v1.DeletedPartner",
              id,
              deletedAt: toTimestamp(deletedAt),
            },
          },
  };
}
