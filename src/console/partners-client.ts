import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { type Caller, fetchAs } from "./caller.ts";

/** The RPCs, called as this caller. */
export function partnersAs(caller: Caller): Client<typeof PartnerService> {
  const transport = createConnectTransport({ baseUrl: location.origin, fetch: fetchAs(caller) });
  return createClient(PartnerService, transport);
}
