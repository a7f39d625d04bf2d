import { hash, randomBytes, randomUUID } from "node:crypto";
import {
  type Asker,
  createRowMapping,
  formatInstant,
  type Orm,
  query as queryNow,
  type Row,
  retryInTurn,
} from "@partner-service/postgres-statements";
import type { Writer } from "../context.ts";
import { authorValues } from "./author.ts";
import type { Connection } from "./connections.ts";
import { createUpdates } from "./partner-edits.ts";
import { type Partner, PartnerEntity, type PartnerKey } from "./partner-entity.ts";
import { partnerError } from "./partner-error.ts";
import { connectionFields, movedChange, movedSql, noChange, violates } from "./partner-writes.ts";

/** What the holder of a token shows: to whom it may belong, and whose it is. */
type Acceptance = Connection & { readonly token: string };

/** What an invitation sets, and its end. */
const invitationFields = ["invitation_token"];

/** Makes the part of the repository that keeps invitations, in the rows of their partners. */
export function createInvitations(orm: Orm, query = queryNow) {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const prepare = createUpdates(orm, query);
  const kept = "organization_id = $1 and id = $2 and deleted_at is null";
  const pending = `${kept} and invitation_status = 'invited' and invitation_token_hash = $3
    and invitation_expires_at > $5::timestamptz`;
  // What would make the acceptance fail makes the invitation none for this guest.
  const showSql = `select ${selection} from ${table} as shown where ${pending} and not exists (
    select 1 from ${table} as other where other.organization_id = $1
      and other.guest_organization_id = $4 and other.partner_type = shown.partner_type)`;
  // Of two that accept at once, the second finds the partner accepted.
  const acceptSql = `update ${table} set invitation_status = 'accepted',
    guest_organization_id = $4, connected_at = $5, ${movedSql("$5", "$6", ["$7", "$8"])}
    where ${pending} returning ${selection}`;
  const findAcceptedSql = `select ${selection} from ${table} where ${kept}
    and invitation_token_hash = $3 and guest_organization_id = $4`;

  async function acceptOrFind(
    key: readonly unknown[],
    written: readonly unknown[],
  ): Promise<Row | undefined> {
    try {
      const [accepted] = await query(orm, acceptSql, [...key, ...written]);
      if (accepted !== undefined) {
        return accepted;
      }
    } catch (failure) {
      if (!violates(failure, "partner_guest_unique")) {
        throw failure;
      }
    }
    const [found] = await query(orm, findAcceptedSql, key);
    return found;
  }

  return {
    /**
     * Issues an invitation in place of the one before. Only who asks for it ever sees its token.
     *
     * @param lifetime in whole microseconds
     * @throws PartnerError PARTNER_NOT_FOUND, PARTNER_ALREADY_ACCEPTED
     */
    invite(key: PartnerKey, lifetime: Temporal.Duration, asker: Asker, writer?: Writer) {
      const token = createInvitationToken(key.id);
      const now = orm.clock.now();
      const expiresAt = now.add(lifetime);
      const tryOnce = prepare(key, {
        set: "invitation_token_hash = $7, invitation_expires_at = $8",
        where: "invitation_status = 'invited' and write_id is distinct from $4::uuid",
        values: [readInvitationToken(token).tokenHash, formatInstant(expiresAt)],
        ...{ now, writer },
      });
      return retryInTurn(orm, asker, async () => {
        const { partner, isOwnWrite } = await tryOnce();
        if (!isOwnWrite) {
          throw partnerError("PARTNER_ALREADY_ACCEPTED");
        }
        writer?.noteChange(movedChange(partner, invitationFields));
        return { token, expiresAt, partner };
      });
    },

    /**
     * Voids the invitation that is pending.
     *
     * @throws PartnerError PARTNER_NOT_FOUND, INVITATION_NOT_PENDING
     */
    revokeInvitation(key: PartnerKey, asker: Asker, writer?: Writer) {
      const tryOnce = prepare(key, {
        set: "invitation_token_hash = null, invitation_expires_at = null",
        where: "invitation_status = 'invited' and invitation_expires_at > $3::timestamptz",
        values: [],
        ...{ now: orm.clock.now(), writer },
      });
      return retryInTurn(orm, asker, async () => {
        const { partner, isOwnWrite } = await tryOnce();
        if (!isOwnWrite) {
          throw partnerError("INVITATION_NOT_PENDING");
        }
        writer?.noteChange(movedChange(partner, invitationFields));
        return partner;
      });
    },

    /**
     * Shows the invitation to the guest, if it could accept it now.
     *
     * @throws PartnerError INVITATION_INVALID for whatever is wrong, in the same time
     */
    findInvitation({ host, guest, token }: Acceptance, asker: Asker) {
      const { partnerId, tokenHash } = readInvitationToken(token);
      const values = [host, partnerId, tokenHash, guest, formatInstant(orm.clock.now())];
      return retryInTurn(orm, asker, async () => {
        const [row] = await query(orm, showSql, values);
        const partner = row === undefined ? undefined : toEntity(row);
        if (partner === undefined || partner.invitationExpiresAt === null) {
          throw partnerError("INVITATION_INVALID");
        }
        return { partnerType: partner.partnerType, expiresAt: partner.invitationExpiresAt };
      });
    },

    /**
     * Makes the guest the one that the host's partner stands for. Repeated by the same guest, it
     * answers the partner again.
     *
     * @throws PartnerError INVITATION_INVALID for whatever is wrong, in the same time
     */
    accept({ host, guest, token }: Acceptance, asker: Asker, writer?: Writer): Promise<Partner> {
      const { partnerId, tokenHash } = readInvitationToken(token);
      const now = formatInstant(orm.clock.now());
      const writeId = randomUUID();
      const written = [now, writeId, ...authorValues(host, writer)];
      return retryInTurn(orm, asker, async () => {
        const row = await acceptOrFind([host, partnerId, tokenHash, guest], written);
        if (row === undefined) {
          throw partnerError("INVITATION_INVALID");
        }
        const partner = toEntity(row);
        const isOwnWrite = partner.writeId === writeId;
        writer?.noteChange(isOwnWrite ? movedChange(partner, connectionFields) : noChange(partner));
        return partner;
      });
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
