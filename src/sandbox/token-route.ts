import type { FastifyInstance } from "fastify";
import { uuid } from "../uuid.ts";
import { httpError, membersFromOwnPage } from "./own-page.ts";
import type { Sandbox } from "./sandbox.ts";

/** See RFC 6749, section 3.3. */
const scope = /^(?:[!#-[\]-~]+(?: [!#-[\]-~]+)*)?$/;
/** As many scopes as a person tries; a token goes in a header. */
const maxScopeLength = 500;
const maxLifetimeSeconds = 100_000_000;

/** Lets the console have tokens minted, at `POST /sandbox/token`. */
export function mountSandboxTokens(app: FastifyInstance, sandbox: Sandbox): void {
  app.post("/sandbox/token", { bodyLimit: 1024 }, async (request, reply) => {
    const { organization, wishes } = readWishes(membersFromOwnPage(request, "ask for tokens"));
    const token = await sandbox.createToken(organization, wishes);
    return reply.header("Cache-Control", "no-store").send({ token });
  });
}

function readWishes({ organization, scope: wanted, expiresInSeconds }: Record<string, unknown>) {
  if (typeof organization !== "string" || !uuid.test(organization)) {
    throw httpError(400, "organization must be a UUID.");
  }
  if (wanted !== undefined && !isScope(wanted)) {
    throw httpError(400, "scope must be a list of scopes with a space between.");
  }
  if (expiresInSeconds !== undefined && !isLifetime(expiresInSeconds)) {
    throw httpError(400, "expiresInSeconds must be a whole number.");
  }
  return { organization: organization.toLowerCase(), wishes: { scope: wanted, expiresInSeconds } };
}

function isScope(value: unknown): value is string {
  return typeof value === "string" && value.length <= maxScopeLength && scope.test(value);
}

function isLifetime(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value)) <= maxLifetimeSeconds;
}
