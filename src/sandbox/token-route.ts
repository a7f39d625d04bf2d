import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback } from "../loopback.ts";
import { uuid } from "../uuid.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Lets the console have tokens minted, at `POST /sandbox/token`.
 *
 * Only the sandbox's own page may: the address is within reach of every page that the browser of
 * this machine shows, also under a name of that page's own (DNS rebinding).
 */
export function mountSandboxTokens(app: FastifyInstance, sandbox: Sandbox): void {
  app.post<{ Body: unknown }>("/sandbox/token", { bodyLimit: 1024 }, async (request, reply) => {
    if (!comesFromOwnPage(request)) {
      throw httpError(403, "Only the sandbox's own console may ask for tokens.");
    }
    const organization = readOrganization(request.body);
    if (organization === undefined) {
      throw httpError(400, "organization must be a UUID.");
    }
    const token = await sandbox.createToken(organization);
    return reply.header("Cache-Control", "no-store").send({ token });
  });
}

/** Browsers set these headers, and no page can: one of them absent or foreign is no page of ours. */
function comesFromOwnPage({ headers, host, protocol }: FastifyRequest): boolean {
  const own = URL.parse(`${protocol}://${host}`);
  return (
    own !== null &&
    isLoopback(own.hostname) &&
    headers.origin === own.origin &&
    headers["sec-fetch-site"] === "same-origin"
  );
}

function readOrganization(body: unknown): string | undefined {
  const organization =
    typeof body === "object" && body !== null && "organization" in body
      ? body.organization
      : undefined;
  return typeof organization === "string" && uuid.test(organization)
    ? organization.toLowerCase()
    : undefined;
}

function httpError(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
