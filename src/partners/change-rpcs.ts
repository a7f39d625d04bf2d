import type { ServiceImpl } from "@connectrpc/connect";
import {
  ListPartnerChangesResponseSchema,
  type PartnerChange,
  type PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { type Organizations, organizationsKey, required, uncached } from "../context.ts";
import { type ChangePage, defaultChanges, watchedChanges } from "./change-feed.ts";
import { type ChangeTokens, createPageSizes } from "./paging.ts";
import type { Partner } from "./partner-entity.ts";
import { toPartnerMessage, toTimestamp } from "./partner-mapping.ts";
import type { PartnerRepository } from "./partner-repository.ts";

const toPageSize = createPageSizes(ListPartnerChangesResponseSchema.field.changes, defaultChanges);

/** Implements the RPCs by which others keep a copy of a book in step. */
export function createChangeRpcs(partners: PartnerRepository, changeTokens: ChangeTokens) {
  /** What has changed, as the contract shows it. */
  const toResponse = (
    { partners: changed, position, more }: ChangePage,
    organizations: Organizations,
  ) => ({
    changes: changed.map(toChangeMessage),
    nextChangeToken: changeTokens.write(organizations, position),
    more,
  });

  return {
    async listPartnerChanges({ changeToken, pageSize }, { values, signal, responseHeader }) {
      const organizations = required(values, organizationsKey);
      const after = changeTokens.read(organizations, changeToken);
      const changeQuery = {
        ...{ organizationId: organizations.target, after, pageSize: toPageSize(pageSize) },
      };
      const page = await partners.listChanges(changeQuery, signal);
      responseHeader.set(...uncached);
      return toResponse(page, organizations);
    },

    async *watchPartnerChanges({ changeToken }, { values, signal, responseHeader }) {
      const organizations = required(values, organizationsKey);
      const after = changeTokens.read(organizations, changeToken);
      const changeQuery = {
        ...{ organizationId: organizations.target, after, pageSize: watchedChanges },
      };
      responseHeader.set(...uncached);
      for await (const page of partners.watchChanges(changeQuery, signal)) {
        yield toResponse(page, organizations);
      }
    },
  } satisfies Partial<ServiceImpl<typeof PartnerService>>;
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
