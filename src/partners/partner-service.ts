import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required } from "../context.ts";
import { toNewPartner, toPartnerMessage } from "./partner-mapping.ts";
import type { PartnerRepository } from "./partner-repository.ts";

/** Implements the RPCs of PartnerService: from request to repository and back. */
export function createPartnerService(
  repository: PartnerRepository,
): ServiceImpl<typeof PartnerService> {
  return {
    async createPartner(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const partner = await repository.insert(toNewPartner(request, target), signal);
      return { partner: toPartnerMessage(partner) };
    },
  };
}
