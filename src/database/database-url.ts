/** What pg knows as `sslmode`. */
const sslModes = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

/** What is wrong with parameters that pg would stumble over; undefined where nothing is. */
export function findParameterProblem(parameters: URLSearchParams): string | undefined {
  const port = parameters.get("port");
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536)) {
    return "has a port that is none";
  }
  const mode = parameters.get("sslmode");
  if (mode !== null && !sslModes.includes(mode)) {
    return `has an sslmode that is none of ${sslModes.join(", ")}`;
  }
  const isCompatible = parameters.get("uselibpqcompat") === "true";
  return isCompatible && mode === "verify-ca" && !parameters.get("sslrootcert")
    ? "has the sslmode verify-ca, and no sslrootcert to verify by"
    : undefined;
}

/**
 * The URL with what pg takes its `sslmode` for: unless `uselibpqcompat` is set, all that ask for TLS
 * verify in full. pg itself warns of that in ten lines at each start.
 */
export function nameSslMode(url: string): string {
  return /[?&]uselibpqcompat=true(&|$)/.test(url)
    ? url
    : url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/, "$1verify-full");
}

/**
 * Parses the URL of a PostgreSQL database. Returns null where it is none.
 *
 * A URL of PostgreSQL may lack the host, which a parameter then names, or a default does; a URL of
 * the web's standard may not, once it has a user.
 */
export function parseDatabaseUrl(text: string): URL | null {
  const url = URL.parse(text) ?? URL.parse(text.replace("@/", "@localhost/"));
  const hasName = url !== null && !/%(?![\da-f]{2})/i.test(url.pathname);
  return hasName && /^postgres(ql)?:$/.test(url.protocol) ? url : null;
}
