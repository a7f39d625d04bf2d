import type { ServiceImpl } from "@connectrpc/connect";
import {
  ListPartnerChangesResponseSchema,
  type PartnerChange,
  type PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import {
  type ChangedPartner,
  type ChangePage,
  type ChangePosition,
  defaultChanges,
  watchedChanges,
} from "../changes/change-feed.ts";
import type { Changes } from "../changes/changes.ts";
import { askerOf, type Organizations, organizationsKey, required, uncached } from "../context.ts";
import { authorOf } from "../partners/author.ts";
import { type ChangeTokens, createPageSizes } from "./paging.ts";
import { toPartnerMessage, toTimestamp } from "./partner-mapping.ts";

const toPageSize = createPageSizes(ListPartnerChangesResponseSchema.field.changes, defaultChanges);

/** Implements the RPCs by which others keep a copy of a book in step. */
export function createChangeRpcs(changes: Changes, changeTokens: ChangeTokens) {
  const toQuery = (organizations: Organizations, changeToken: string, pageSize: number) => ({
    organizationId: organizations.target,
    after: changeTokens.read(organizations, changeToken),
    pageSize,
  });

  return {
    async listPartnerChanges({ changeToken, pageSize }, context) {
      const organizations = required(context.values, organizationsKey);
      const changeQuery = toQuery(organizations, changeToken, toPageSize(pageSize));
      const page = await changes.listChanges(changeQuery, askerOf(context));
      context.responseHeader.set(...uncached);
      return toResponse(organizations, page, changeTokens.write(organizations, page.position));
    },

    async *watchPartnerChanges({ changeToken }, { values, signal, responseHeader }) {
      const organizations = required(values, organizationsKey);
      const changeQuery = toQuery(organizations, changeToken, watchedChanges);
      responseHeader.set(...uncached);
      let position: ChangePosition | undefined;
      let token = "";
      for await (const page of changes.watchChanges(changeQuery, signal)) {
        // Where nothing has changed, as most messages tell, the token is the one before.
        if (page.position !== position) {
          position = page.position;
          token = changeTokens.write(organizations, position);
        }
        yield toResponse(organizations, page, token);
      }
    },
  } satisfies Partial<ServiceImpl<typeof PartnerService>>;
}

function toResponse(
  { requester, target }: Organizations,
  { partners, more }: ChangePage,
  nextChangeToken: string,
) {
  const isOwn = requester === target;
  const changes = partners.map((partner) => ({
    ...toChangeMessage(partner),
    author: isOwn ? authorOf(partner) : undefined,
  }));
  return { changes, nextChangeToken, more };
}

function toChangeMessage(partner: ChangedPartner): PartnerChange {
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
