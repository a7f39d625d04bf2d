import { hash, randomBytes, randomUUID } from "node:crypto";
import { currentInstant } from "../database/current-instant.ts";
import { formatInstant } from "../database/instant-type.ts";
import type { Orm } from "../database/orm.ts";
import { query, type Row } from "../database/query.ts";
import { withRetries } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import type { Connection } from "./connections.ts";
import {
  isGuestConflict,
  movedSql,
  type Partner,
  PartnerEntity,
  type PartnerKey,
} from "./partner-entity.ts";
import { invitationInvalid, partnerAlreadyAccepted, partnerNotFound } from "./partner-error.ts";

/** The partner to invite, and for how long. */
interface InvitationRequest extends PartnerKey {
  /** In whole microseconds. */
  readonly lifetime: Temporal.Duration;
}

/** An invitation, as only the one who asked for it ever sees it. */
interface IssuedInvitation {
  readonly token: string;
  readonly expiresAt: Temporal.Instant;
  readonly partner: Partner;
}

/** Issues and accepts the invitations of partners. */
export interface Invitations {
  /**
   * Issues an invitation in place of the one before.
   *
   * @throws PartnerError PARTNER_NOT_FOUND, PARTNER_ALREADY_ACCEPTED
   * @throws DatabaseUnavailableError
   */
  invite(request: InvitationRequest, signal: AbortSignal): Promise<IssuedInvitation>;

  /**
   * Makes the guest the one that the host's partner stands for. Repeated by the same guest, it
   * answers the partner again.
   *
   * @throws PartnerError INVITATION_INVALID for whatever is wrong, in the same time
   * @throws DatabaseUnavailableError
   */
  accept(
    acceptance: Connection & { readonly token: string },
    signal: AbortSignal,
  ): Promise<Partner>;
}

/** Makes the part of the repository that keeps invitations, in the rows of their partners. */
export function createInvitations(orm: Orm): Invitations {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const selectList = selection.join(", ");
  const inviteSql = `update ${table} set invitation_token_hash = $3, invitation_expires_at = $4
    where organization_id = $1 and id = $2 and deleted_at is null
      and invitation_status = 'invited'
    returning ${selectList}`;
  const findSql = `select 1 from ${table}
    where organization_id = $1 and id = $2 and deleted_at is null`;
  // Of two that accept at once, the second finds the partner accepted.
  const acceptSql = `update ${table} set invitation_status = 'accepted',
    guest_organization_id = $4, ${movedSql("$5", "$6")}
    where organization_id = $1 and id = $2 and deleted_at is null
      and invitation_status = 'invited' and invitation_token_hash = $3
      and invitation_expires_at > $5::timestamptz
    returning ${selectList}`;
  const findAcceptedSql = `select ${selectList} from ${table}
    where organization_id = $1 and id = $2 and deleted_at is null
      and invitation_token_hash = $3 and guest_organization_id = $4`;

  async function acceptOrFind(key: readonly unknown[], now: string): Promise<Row | undefined> {
    try {
      const [accepted] = await query(orm, acceptSql, [...key, now, randomUUID()]);
      if (accepted !== undefined) {
        return accepted;
      }
    } catch (failure) {
      if (!isGuestConflict(failure)) {
        throw failure;
      }
    }
    const [found] = await query(orm, findAcceptedSql, key);
    return found;
  }

  return {
    invite({ organizationId, id, lifetime }, signal) {
      const token = createInvitationToken(id);
      const { tokenHash } = readInvitationToken(token);
      const expiresAt = currentInstant().add(lifetime);
      const values = [organizationId, id, tokenHash, formatInstant(expiresAt)];
      return withRetries(async () => {
        const [invited] = await query(orm, inviteSql, values);
        if (invited !== undefined) {
          return { token, expiresAt, partner: toEntity(invited) };
        }
        const [found] = await query(orm, findSql, [organizationId, id]);
        throw found === undefined ? partnerNotFound() : partnerAlreadyAccepted();
      }, signal);
    },

    accept({ host, guest, token }, signal) {
      const { partnerId, tokenHash } = readInvitationToken(token);
      const now = formatInstant(currentInstant());
      return withRetries(async () => {
        const row = await acceptOrFind([host, partnerId, tokenHash, guest], now);
        if (row === undefined) {
          throw invitationInvalid();
        }
        return toEntity(row);
      }, signal);
    },
  };
}

/** Bytes of the partner's id, by which its row is found in the book of the host. */
const idLength = 16;
/** Bytes of the secret: 256 random bits. */
const secretLength = 32;

/** Makes a new token for a partner's invitation. Only its holder knows it. */
function createInvitationToken(partnerId: string): string {
  const id = Buffer.from(partnerId.replaceAll("-", ""), "hex");
  return Buffer.concat([id, randomBytes(secretLength)]).toString("base64url");
}

/**
 * Reads what to look for in the host's book: the partner's id, and SHA-256 of the token in hex, which
 * is all that the database holds of it. What is no token reads as one that nobody issued, so that the
 * same is done for it, in the same time.
 */
function readInvitationToken(token: string) {
  const bytes = Buffer.alloc(idLength + secretLength);
  bytes.write(token, "base64url");
  const hex = bytes.toString("hex", 0, idLength);
  return {
    partnerId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    tokenHash: hash("sha256", token, "hex"),
  };
}
