import { isLoopback } from "@partner-service/one-port-server";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { uuid } from "../interceptors/organizations.ts";
import type { Sandbox } from "./sandbox.ts";
import { troubles } from "./trouble.ts";

/** See RFC 6749, section 3.3. */
const scope = /^(?:[!#-[\]-~]+(?: [!#-[\]-~]+)*)?$/;
/** As many scopes as a person tries; a token goes in a header. */
const maxScopeLength = 500;
/** As many characters as the service keeps. */
const maxSubjectLength = 255;
const maxLifetimeSeconds = 100_000_000;

/** Lets the console have tokens minted, and turn the switch of the troubles, and read it. */
export function mountSandbox(app: FastifyInstance, sandbox: Sandbox): void {
  const { turn, current } = sandbox.troubleSwitch;
  const bodyLimit = 1024;
  app.post("/sandbox/token", { bodyLimit }, async (request, reply) => {
    const { organization, wishes } = readWishes(membersFromOwnPage(request, "ask for tokens"));
    const token = await sandbox.createToken(organization, wishes);
    return reply.header("Cache-Control", "no-store").send({ token });
  });
  app.get("/sandbox/trouble", async (_request, reply) =>
    reply.header("Cache-Control", "no-store").send({ trouble: current() }),
  );
  app.post("/sandbox/trouble", { bodyLimit }, async (request) => {
    const wanted = membersFromOwnPage(request, "make trouble").trouble;
    const trouble = troubles.find((name) => name === wanted);
    if (trouble === undefined) {
      throw httpError(400, `trouble must be one of ${troubles.join(", ")}.`);
    }
    turn(trouble);
    return { trouble };
  });
}

function readWishes(members: Record<string, unknown>) {
  const { organization, subject, scope: wanted, expiresInSeconds } = members;
  if (typeof organization !== "string" || !uuid.test(organization)) {
    throw httpError(400, "organization must be a UUID.");
  }
  if (subject !== undefined && !isSubject(subject)) {
    throw httpError(400, "subject must be a text of 1 to 255 characters.");
  }
  if (wanted !== undefined && !isScope(wanted)) {
    throw httpError(400, "scope must be a list of scopes with a space between.");
  }
  if (expiresInSeconds !== undefined && !isLifetime(expiresInSeconds)) {
    throw httpError(400, "expiresInSeconds must be a whole number.");
  }
  const wishes = { subject, scope: wanted, expiresInSeconds };
  return { organization: organization.toLowerCase(), wishes };
}

function isSubject(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxSubjectLength;
}

function isScope(value: unknown): value is string {
  return typeof value === "string" && value.length <= maxScopeLength && scope.test(value);
}

function isLifetime(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value)) <= maxLifetimeSeconds;
}

/**
 * Lets a request on, whose members are then answered, if the sandbox's own page makes it.
 *
 * No other may: the address is within reach of every page that the browser of this machine shows, also
 * under a name of that page's own (DNS rebinding). Browsers set these headers, and no page can: one of
 * them absent or foreign is no page of ours.
 *
 * @param wish what the page wants, as the end of a sentence
 */
function membersFromOwnPage(request: FastifyRequest, wish: string): Record<string, unknown> {
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
function httpError(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
