/** What every peer is told from outside, in the variables that the service itself takes. */
export interface PeerSettings {
  readonly port: number;
  readonly databaseUrl: string;
  readonly publicKeyFile: string;
  readonly issuer: string;
  readonly audience: string;
}

export function readSettings(): PeerSettings {
  return {
    port: Number(required("PORT")),
    databaseUrl: required("DATABASE_URL"),
    publicKeyFile: required("JWT_PUBLIC_KEY_FILE"),
    issuer: required("JWT_ISSUER"),
    audience: required("JWT_AUDIENCE"),
  };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} must be set.`);
  }
  return value;
}
