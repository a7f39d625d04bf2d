/** The greatest revision that its column holds. */
const maxRevision = 2_147_483_647;

/** The etag of a partner at this revision. */
export function toEtag(revision: number): string {
  return `r${revision}`;
}

/**
 * The revision that an etag of a request stands for. Returns undefined for an empty etag, which asks
 * for no check, and 0, a revision that no partner has, for one that the service never made.
 */
export function toRevision(etag: string): number | undefined {
  if (etag === "") {
    return undefined;
  }
  const revision = Number(/^r([1-9]\d{0,9})$/.exec(etag)?.[1] ?? 0);
  return revision <= maxRevision ? revision : 0;
}
