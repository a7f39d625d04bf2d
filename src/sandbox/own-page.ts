import type { FastifyRequest } from "fastify";
import { isLoopback } from "../loopback.ts";

/**
 * Lets a request on, whose members are then answered, if the sandbox's own page makes it.
 *
 * No other may: the address is within reach of every page that the browser of this machine shows, also
 * under a name of that page's own (DNS rebinding). Browsers set these headers, and no page can: one of
 * them absent or foreign is no page of ours.
 *
 * @param wish what the page wants, as the end of a sentence
 */
export function membersFromOwnPage(request: FastifyRequest, wish: string): Record<string, unknown> {
  const { headers, host, protocol, body } = request;
  const own = URL.parse(`${protocol}://${host}`);
  const isOwn =
    own !== null &&
    isLoopback(own.hostname) &&
    headers.origin === own.origin &&
    headers["sec-fetch-site"] === "same-origin";
  if (!isOwn) {
    throw httpError(403, `Only the sandbox's own console may ${wish}.`);
  }
  return typeof body === "object" && body !== null ? { ...body } : {};
}

/** A failure that is answered with this status. */
export function httpError(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
