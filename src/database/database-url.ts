/**
 * Parses the URL of a PostgreSQL database. Returns null where it is none.
 *
 * A URL of PostgreSQL may lack the host, which a parameter then names, or a default does; a URL of
 * the web's standard may not, once it has a user.
 */
export function parseDatabaseUrl(text: string): URL | null {
  const url = URL.parse(text) ?? URL.parse(text.replace("@/", "@localhost/"));
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) ? url : null;
}
