import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required, uncached } from "../context.ts";
import { watchedChanges } from "./change-feed.ts";
import { type ChangeTokens, toChangeQuery, toChangesResponse } from "./change-request.ts";
import type { PartnerRepository } from "./partner-repository.ts";

/** The RPCs by which others keep a copy of a book in step. */
type ChangeRpcs = Pick<
  ServiceImpl<typeof PartnerService>,
  "listPartnerChanges" | "watchPartnerChanges"
>;

/** Implements the RPCs about changes. */
export function createChangeRpcs(
  partners: PartnerRepository,
  changeTokens: ChangeTokens,
): ChangeRpcs {
  return {
    async listPartnerChanges(request, { values, signal, responseHeader }) {
      const organizations = required(values, organizationsKey);
      const changeQuery = toChangeQuery(request, organizations, changeTokens);
      const page = await partners.listChanges(changeQuery, signal);
      responseHeader.set(...uncached);
      return toChangesResponse(page, organizations, changeTokens);
    },

    async *watchPartnerChanges({ changeToken }, { values, signal, responseHeader }) {
      const organizations = required(values, organizationsKey);
      const request = { changeToken, pageSize: watchedChanges };
      const changeQuery = toChangeQuery(request, organizations, changeTokens);
      responseHeader.set(...uncached);
      for await (const page of partners.watchChanges(changeQuery, signal)) {
        yield toChangesResponse(page, organizations, changeTokens);
      }
    },
  };
}
