import Fastify from "fastify";
import pg from "pg";
import { bearerToken, createVerifier, permittedOrganization, remember } from "./caller.ts";
import { insertPartner } from "./insert.ts";
import { type NewPartner, newPartnerSchema, storedPartnerSchema } from "./partner.ts";
import { findPartner, listPartners } from "./select.ts";
import { readSettings } from "./settings.ts";

/**
 * A REST API as one writes it by hand for speed: Fastify with JSON Schema on the way in and on the
 * way out, each token verified once, and one prepared statement a call.
 */
const settings = readSettings();
const verifyToken = remember(await createVerifier(settings));
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 10 });
const app = Fastify();

interface Headers {
  authorization?: string;
  "requester-organization-id"?: string;
  "target-organization-id"?: string;
}

/** What a route throws to answer with another status; Fastify takes it from the error. */
class HttpError extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** The organization whose book the call may use. */
async function admit(headers: Headers, scope: "partners:read" | "partners:write"): Promise<string> {
  const claims = await verifyToken(bearerToken(headers.authorization)).catch(() => {
    throw new HttpError(401, "The access token is not accepted.");
  });
  const organization = permittedOrganization(
    claims,
    scope,
    headers["requester-organization-id"],
    headers["target-organization-id"],
  );
  if (organization === undefined) {
    throw new HttpError(403, "The call is not allowed.");
  }
  return organization;
}

app.post<{ Body: NewPartner; Headers: Headers }>(
  "/partners",
  { schema: { body: newPartnerSchema, response: { 201: storedPartnerSchema } } },
  async ({ headers, body }, reply) => {
    const organization = await admit(headers, "partners:write");
    reply.code(201);
    return await insertPartner(pool, organization, body);
  },
);

const uuid = { type: "string", format: "uuid" };

app.get<{ Params: { id: string }; Headers: Headers }>(
  "/partners/:id",
  {
    schema: {
      params: { type: "object", properties: { id: uuid } },
      response: { 200: storedPartnerSchema },
    },
  },
  async ({ headers, params }) => {
    const organization = await admit(headers, "partners:read");
    const partner = await findPartner(pool, organization, params.id);
    if (partner === undefined) {
      throw new HttpError(404, "The organization has no such partner.");
    }
    return partner;
  },
);

app.get<{ Querystring: { pageSize: number; pageToken?: string }; Headers: Headers }>(
  "/partners",
  {
    schema: {
      querystring: {
        type: "object",
        properties: {
          pageSize: { type: "integer", minimum: 1, maximum: 100, default: 20 },
          pageToken: uuid,
        },
      },
      response: {
        200: {
          type: "object",
          properties: {
            partners: { type: "array", items: storedPartnerSchema },
            nextPageToken: { type: "string" },
          },
        },
      },
    },
  },
  async ({ headers, query }) => {
    const organization = await admit(headers, "partners:read");
    return await listPartners(pool, organization, query.pageSize, query.pageToken);
  },
);

process.once("SIGTERM", () => {
  app.close().then(() => pool.end());
});
// Several processes may share the port. Fastify hands its options on to Node, this one too, which its
// types lack.
const address = { host: "127.0.0.1", port: settings.port, reusePort: true };
await app.listen(address);
