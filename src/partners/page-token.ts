import { hash } from "node:crypto";
import { type ListPosition, type ListQuery, orderColumns } from "./partner-list.ts";

/** Changes with the meaning of what follows it, so that tokens of an older release are refused. */
const version = 1;

type List = Pick<ListQuery, "organizationId" | "filters" | "orderBy" | "descending">;

/**
 * Writes a place in a list as a page token: opaque to callers, and good for this list only. It is
 * no secret and grants nothing; a forged one leads to another place in a list that its caller may
 * read anyway.
 */
export function writePageToken(list: List, { value, id }: ListPosition): string {
  const content = JSON.stringify([version, fingerprint(list), value, id]);
  return Buffer.from(content).toString("base64url");
}

/** Reads a page token. Returns undefined when it is none, or one of another list. */
export function readPageToken(list: List, token: string): ListPosition | undefined {
  const content = parseJson(Buffer.from(token, "base64url").toString());
  if (!Array.isArray(content) || content.length !== 4) {
    return undefined;
  }
  const [itsVersion, itsList, value, id]: unknown[] = content;
  const fits = itsVersion === version && itsList === fingerprint(list);
  if (!fits || typeof id !== "string" || !uuid.test(id)) {
    return undefined;
  }
  if (orderColumns[list.orderBy] === "int") {
    return typeof value === "number" && (value | 0) === value ? { value, id } : undefined;
  }
  return typeof value === "string" && isStorable(value) ? { value, id } : undefined;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether PostgreSQL takes it as a text. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** Tells lists apart: by organization, filters and order. */
function fingerprint({ organizationId, filters, orderBy, descending }: List): string {
  const { partnerTypes, ids, invitationStatuses, text = null } = filters;
  const sets = [partnerTypes, ids, invitationStatuses].map((set) => [...set].sort());
  const parts = [organizationId, ...sets, text, orderBy, descending];
  return hash("sha256", JSON.stringify(parts), "base64url");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
