import type { ChangeAuthor } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Writer } from "../context.ts";

/** What a row keeps of who made its last change; absent where it was read without that. */
export interface AuthorColumns {
  readonly authorSubject?: string | null | undefined;
  readonly authorOrganizationId?: string | null | undefined;
  readonly authorRevision?: number | undefined;
}

/**
 * What a row of the organization's book keeps of who changes it: the subject where that is done for the
 * organization itself, and of another one no more than its id.
 */
export function authorValues(
  organizationId: string,
  writer: Writer | undefined,
): readonly [subject: string | null, organizationId: string | null] {
  if (writer === undefined) {
    return [null, null];
  }
  const isOwn = writer.organizationId === organizationId;
  return isOwn ? [writer.subject, null] : [null, writer.organizationId];
}

/**
 * Who made the last change of a row, as the contract shows it; undefined where the row does not say, or says
 * it of a change before: whoever changes it without knowing of authors, as the last release does while this one
 * is rolled out, leaves the one that was there.
 */
export function authorOf(
  row: AuthorColumns & { readonly revision: number },
): ChangeAuthor | undefined {
  if (row.authorRevision !== row.revision) {
    return undefined;
  }
  const $typeName = "partner.v1.ChangeAuthor";
  const { authorSubject: subject, authorOrganizationId: organizationId } = row;
  if (subject) {
    return { $typeName, author: { case: "subject", value: subject } };
  }
  return organizationId
    ? { $typeName, author: { case: "organizationId", value: organizationId } }
    : undefined;
}
