import { hash } from "node:crypto";
import { currentInstant } from "../database/current-instant.ts";
import { DatabaseUnavailableError } from "../database/failures.ts";
import type { Orm } from "../database/orm.ts";
import { query } from "../database/query.ts";
import { withRetries } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { createUuidV7Generator } from "../database/uuid-v7.ts";
import { type Partner, PartnerEntity } from "./partner-entity.ts";
import { createPartnerWriter } from "./partner-writer.ts";

/** What a partner is created from. UUIDs are in lower case, as they are stored. */
export type NewPartner = Omit<
  Partner,
  | "id"
  | "createdAt"
  | "updatedAt"
  | "invitationStatus"
  | "guestOrganizationId"
  | "revision"
  | "requestFingerprint"
  | "deletedAt"
  | "invitationTokenHash"
  | "invitationExpiresAt"
>;

/** Keeps partners in the database. Every query carries the organization whose book it is about. */
export interface PartnerRepository {
  /**
   * Creates a partner, and answers it as it is stored. With a `requestId` that the organization
   * used before, for the same content, it answers the partner that was created then.
   *
   * @param signal ends the waiting for a database that is away, or for others, not a statement
   *   under way.
   * @throws RequestIdReusedError
   * @throws OverloadedError
   * @throws DatabaseUnavailableError
   */
  insert(newPartner: NewPartner, signal: AbortSignal): Promise<Partner>;

  /**
   * Makes ready what the first partner would otherwise wait for.
   *
   * @throws DatabaseUnavailableError
   */
  warmUp(): Promise<void>;
}

/** The organization has used the request id before, to create a partner with other content. */
export class RequestIdReusedError extends Error {
  override readonly name = "RequestIdReusedError";
  readonly requestId: string;

  constructor(requestId: string) {
    super(`The request id ${requestId} was used before, with other content.`);
    this.requestId = requestId;
  }
}

/** Makes the repository of partners. */
export function createPartnerRepository(orm: Orm): PartnerRepository {
  const nextId = createUuidV7Generator();
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const writer = createPartnerWriter(orm);
  const conflictSql = `select ${selection.join(", ")} from ${table}
    where organization_id = $1 and (id = $2 or request_id = $3)`;

  async function insertOrFind(partner: Partner, signal: AbortSignal): Promise<Partner> {
    if (await writer.insert(partner, signal)) {
      return partner;
    }
    const { organizationId, id, requestId, requestFingerprint } = partner;
    const [found] = await query(orm, conflictSql, [organizationId, id, requestId]);
    if (found === undefined) {
      // Deleted between the two statements: the next try creates the partner.
      throw new DatabaseUnavailableError(true, new Error("The conflicting partner is gone."));
    }
    const earlier = toEntity(found);
    // The own id is there when a try whose answer was lost had done its work.
    const sameContent = earlier.requestFingerprint === requestFingerprint;
    if (earlier.id !== id && (!sameContent || earlier.deletedAt !== null)) {
      throw new RequestIdReusedError(String(requestId));
    }
    return earlier;
  }

  return {
    insert: (newPartner, signal) => {
      // The id stays the same in all tries: that makes them safe.
      const partner = createPartner(newPartner, nextId());
      return withRetries(() => insertOrFind(partner, signal), signal);
    },
    warmUp: writer.warmUp,
  };
}

/** The partner that is stored for a new one, as it is at first. */
export function createPartner(newPartner: NewPartner, id: string): Partner {
  const now = currentInstant();
  return {
    ...newPartner,
    id,
    createdAt: now,
    updatedAt: now,
    invitationStatus: "invited",
    guestOrganizationId: null,
    revision: 1,
    requestFingerprint: newPartner.requestId === null ? null : fingerprint(newPartner),
    deletedAt: null,
    invitationTokenHash: null,
    invitationExpiresAt: null,
  };
}

/**
 * A hash of what the caller wants created. Absent fields take no part, so that a field that is added
 * to the contract later leaves the fingerprints of those who do not know it as they are.
 */
export function fingerprint({ organizationId, requestId, ...content }: NewPartner): string {
  const fields = Object.entries(content).filter(([, value]) => value !== null);
  return hash("sha256", JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1))), "hex");
}
