import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { createPartnerTransport, type PartnerTransportOptions } from "./partner-transport.ts";
import { identify } from "./repeatable-requests.ts";

/** The RPCs of the contract, each as a function. */
export type PartnerCalls = Client<typeof PartnerService>;

export type PartnerClient = PartnerCalls & {
  /**
   * One intention of a person, to be kept as long as its outcome is not known: creates that are made
   * through it have the same `request_id`, so that pressing Save again after a lost answer makes one
   * partner. After a success the next one is another intention, and needs an attempt of its own.
   */
  readonly attempt: () => PartnerCalls;
};

/**
 * Makes a client with a function for each RPC of the contract, on a transport that
 * {@link createPartnerTransport} makes of the options.
 *
 * ```ts
 * const partners = createPartnerClient({
 *   transport: createConnectTransport({ baseUrl: "https://partners.example.com" }),
 *   token: () => session.accessToken(),
 *   organization: "7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f",
 * });
 * const { partner } = await partners.getPartner({ id });
 * ```
 */
export function createPartnerClient(options: PartnerTransportOptions): PartnerClient {
  const transport = createPartnerTransport(options);
  return {
    ...createClient(PartnerService, transport),
    attempt: () => createClient(PartnerService, withRequestId(transport, crypto.randomUUID())),
  };
}

function withRequestId(transport: Transport, requestId: string): Transport {
  return {
    stream: transport.stream.bind(transport),
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const message = identify(method.input, input, () => requestId);
      return await transport.unary(method, signal, timeoutMs, header, message, contextValues);
    },
  };
}
