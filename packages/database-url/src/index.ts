import { readFileSync } from "node:fs";

/** What pg knows as `sslmode`. */
const sslModes = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

/** The parameters that the service, or pg for it, does something with. */
const knownParameters = [
  ...["user", "password", "host", "port", "application_name", "options"],
  ...["lock_timeout", "idle_in_transaction_session_timeout"],
  ...["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation", "uselibpqcompat"],
  "target_session_attrs",
];

/**
 * What is wrong with a database's URL that pg would stumble over, or pass over in silence, the files that it
 * names included, which are read for that; undefined where nothing is.
 */
export function findParameterProblem(text: string): string | undefined {
  const urls = hostUrls(text);
  const parameters = parseDatabaseUrl(text)?.searchParams ?? new URLSearchParams();
  const unknown = [...parameters.keys()].find((name) => !knownParameters.includes(name));
  if (unknown !== undefined) {
    return `has the parameter ${unknown}, with which nothing would be done; known are ${knownParameters.join(", ")}`;
  }
  const session = parameters.get("target_session_attrs");
  if (session !== null && session !== "read-write" && (session !== "any" || urls.length > 1)) {
    return "has other target_session_attrs than read-write, which is what the service needs";
  }
  const host = parameters.get("host");
  if (host !== null && (urls.length > 1 || host.includes(","))) {
    return "names hosts in a parameter: several stand before the path, as in a:5432,b:5432";
  }
  const port = parameters.get("port");
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536)) {
    return "has a port that is none";
  }
  const mode = parameters.get("sslmode");
  if (mode !== null && !sslModes.includes(mode)) {
    return `has an sslmode that is none of ${sslModes.join(", ")}`;
  }
  const isCompatible = parameters.get("uselibpqcompat") === "true";
  if (isCompatible && mode === "verify-ca" && !parameters.get("sslrootcert")) {
    return "has the sslmode verify-ca, and no sslrootcert to verify by";
  }
  for (const name of ["sslrootcert", "sslcert", "sslkey"]) {
    const reason = findFileProblem(parameters.get(name));
    if (reason !== undefined) {
      return `names a file as ${name} that cannot be read (${reason})`;
    }
  }
  return undefined;
}

/** The system's code for why the file cannot be read; undefined where it can, or none is named. */
function findFileProblem(path: string | null): unknown {
  try {
    if (path !== null) {
      readFileSync(path);
    }
    return undefined;
  } catch (cause) {
    return cause instanceof Error && "code" in cause ? cause.code : cause;
  }
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
 * The URL of each host of a database's URL, which may name several with a comma between them, each
 * with a port of its own, as libpq's does.
 */
export function hostUrls(text: string): readonly string[] {
  const [, scheme = "", hosts = "", rest = ""] =
    /^([^:]*:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(text) ?? [];
  return hosts.includes(",") ? hosts.split(",").map((host) => scheme + host + rest) : [text];
}

/** Whether only a server that takes writes will do: with several hosts, or where the URL says so. */
export function needsWritableServer(text: string): boolean {
  return hostUrls(text).length > 1 || /[?&]target_session_attrs=read-write(&|$)/.test(text);
}

/**
 * Parses the URL of a PostgreSQL database, that of its first host. Returns null where it is none.
 *
 * A URL of PostgreSQL may lack the host, which a parameter then names, or a default does; a URL of
 * the web's standard may not, once it has a user.
 */
export function parseDatabaseUrl(text: string): URL | null {
  const urls = hostUrls(text).map(parseHostUrl);
  return urls.includes(null) ? null : (urls[0] ?? null);
}

function parseHostUrl(text: string): URL | null {
  const url = URL.parse(text) ?? URL.parse(text.replace("@/", "@localhost/"));
  const hasName = url !== null && !/%(?![\da-f]{2})/i.test(url.pathname);
  return hasName && /^postgres(ql)?:$/.test(url.protocol) ? url : null;
}
