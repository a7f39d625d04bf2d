import { DatabaseError } from "@partner-service/postgres-statements";
import type { Change } from "../context.ts";
import type { Partner } from "./partner-entity.ts";

/**
 * What a statement that changes a partner sets beside. A change that is made within a microsecond of
 * the last one, or after the clock has been set back, moves the time as well. The sum is that of times
 * without a zone, because that of times with one depends on the session's, and Citus takes only what
 * does not.
 *
 * @param now the parameter that is bound to the time of the change.
 * @param writeId the parameter that is bound to a UUID of this write.
 * @param author the parameters that are bound to `authorValues`.
 */
export function movedSql(now: string, writeId: string, author: readonly [string, string]): string {
  return `revision = revision + 1, change = default, write_id = ${writeId}, updated_at = greatest(${now}::timestamptz,
    (updated_at at time zone 'UTC' + interval '1 microsecond') at time zone 'UTC'),
    author_subject = ${author[0]}, author_organization_id = ${author[1]}, author_revision = revision + 1`;
}

/** What makes a partner one that is not connected, and has no invitation. */
export const disconnectedSql = `invitation_status = 'invited', guest_organization_id = null,
  connected_at = null, invitation_token_hash = null, invitation_expires_at = null`;

export function violates(failure: unknown, constraint: string): boolean {
  return failure instanceof DatabaseError && failure.constraint === constraint;
}

/** What the beginning of a connection sets, and its end. */
export const connectionFields = ["invitation_status", "guest_organization_id"];

export function createdChange({ id, revision }: Partner): Change {
  return { id, revisionBefore: null, revisionAfter: revision };
}

export function movedChange({ id, revision }: Partner, fields: readonly string[]): Change {
  return { id, revisionBefore: revision - 1, revisionAfter: revision, fields };
}

export function deletedChange({ id, revision }: Partner): Change {
  return { id, revisionBefore: revision - 1, revisionAfter: null };
}

export function noChange({ id, revision }: Partner): Change {
  return { id, revisionBefore: revision, revisionAfter: revision };
}
