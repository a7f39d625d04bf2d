import type { ServiceImpl } from "@connectrpc/connect";
import {
  ListPartnerChangesResponseSchema,
  type PartnerChange,
  type PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { type Organizations, organizationsKey, required, uncached } from "../context.ts";
import {
  type ChangePage,
  type ChangePosition,
  defaultChanges,
  watchedChanges,
} from "./change-feed.ts";
import { type ChangeTokens, createPageSizes } from "./paging.ts";
import type { Partner } from "./partner-entity.ts";
import { toPartnerMessage, toTimestamp } from "./partner-mapping.ts";
import type { PartnerRepository } from "./partner-repository.ts";

const toPageSize = createPageSizes(ListPartnerChangesResponseSchema.field.changes, defaultChanges);

/** Implements the RPCs by which others keep a copy of a book in step. */
export function createChangeRpcs(partners: PartnerRepository, changeTokens: ChangeTokens) {
  const toQuery = (organizations: Organizations, changeToken: string, pageSize: number) => ({
    organizationId: organizations.target,
    after: changeTokens.read(organizations, changeToken),
    pageSize,
  });

  return {
    async listPartnerChanges({ changeToken, pageSize }, { values, signal, responseHeader }) {
      const organizations = required(values, organizationsKey);
      const changeQuery = toQuery(organizations, changeToken, toPageSize(pageSize));
      const page = await partners.listChanges(changeQuery, signal);
      responseHeader.set(...uncached);
      return toResponse(page, changeTokens.write(organizations, page.position));
    },

    async *watchPartnerChanges({ changeToken }, { values, signal, responseHeader }) {
      const organizations = required(values, organizationsKey);
      const changeQuery = toQuery(organizations, changeToken, watchedChanges);
      responseHeader.set(...uncached);
      let position: ChangePosition | undefined;
      let token = "";
      for await (const page of partners.watchChanges(changeQuery, signal)) {
        // Where nothing has changed, as most messages tell, the token is the one before.
        if (page.position !== position) {
          position = page.position;
          token = changeTokens.write(organizations, position);
        }
        yield toResponse(page, token);
      }
    },
  } satisfies Partial<ServiceImpl<typeof PartnerService>>;
}

function toResponse({ partners, more }: ChangePage, nextChangeToken: string) {
  return { changes: partners.map(toChangeMessage), nextChangeToken, more };
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
