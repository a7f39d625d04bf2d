import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { PartnerService } from "../../../gen/partner/v1/partner_service_pb.ts";
import { identify, isRepeatable } from "./repeatable-requests.ts";
import { withRetries } from "./retries.ts";

/** A client with a function for each RPC of the contract. */
export type PartnerClient = Client<typeof PartnerService>;

export interface PartnerClientOptions {
  /**
   * How the service is reached: a transport of `@connectrpc/connect-web` in browsers, or of
   * `@connectrpc/connect-node`, of any protocol.
   */
  readonly transport: Transport;
  /** The access token, or what gets one; it is asked before each try. */
  readonly token: string | (() => string | Promise<string>);
  /** The organization that calls, a UUID. */
  readonly organization: string;
  /** The organization whose book the calls are about. Absent: the one that calls. */
  readonly target?: string;
  /** How often a call is made while the service is UNAVAILABLE, the first time included. Absent: 4. */
  readonly maxTries?: number;
}

/**
 * Makes a client that puts the token and the organizations on each call, gives each create a
 * `request_id`, and repeats calls while the service is UNAVAILABLE, as far as that is safe.
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
export function createPartnerClient(options: PartnerClientOptions): PartnerClient {
  const { transport, token, organization, target = organization, maxTries = 4 } = options;

  async function headersOf(given: Parameters<Transport["unary"]>[3]): Promise<Headers> {
    const headers = new Headers(given);
    headers.set("Authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    headers.set("Requester-Organization-ID", organization);
    headers.set("Target-Organization-ID", target);
    return headers;
  }

  return createClient(PartnerService, {
    stream: transport.stream.bind(transport),
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const message = identify(method.input, input);
      const deadline = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
      return await withRetries(
        async () => {
          const headers = await headersOf(header);
          const left = timeoutMs && Math.max(1, Math.ceil(deadline - performance.now()));
          return await transport.unary(method, signal, left, headers, message, contextValues);
        },
        { maxTries: isRepeatable(method, message) ? maxTries : 1, deadline, signal },
      );
    },
  });
}
