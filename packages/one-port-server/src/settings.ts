import {
  any,
  oneOf,
  optional,
  type Settings,
  StartError,
  setting,
  type Values,
  whole,
} from "@partner-service/settings";
import { defaultLimits, defaultTimeouts } from "./options.ts";
import { checkTlsFiles, type TlsFiles, TlsFilesError } from "./tls.ts";

const mebibyte = 1024 * 1024;
const million = 1_000_000;
const milliseconds = whole(1, 3_600_000);
const upToADay = whole(1, 86_400_000);

/** The variables by which an operator sets a port's options. */
export const portSettings = {
  tls: {
    certFile: optional("TLS_CERT_FILE", any("PEM file"), "cleartext").for(
      "the certificate and its chain: the same port over TLS, ALPN h2 and http/1.1; files that change are taken up within 10 seconds, or on SIGHUP",
    ),
    keyFile: optional("TLS_KEY_FILE", any("PEM file")).for("the certificate's private key"),
    clientCaFile: optional("TLS_CLIENT_CA_FILE", any("PEM file")).for(
      "the authorities of the clients' certificates; with it a client without one is refused (mutual TLS)",
    ),
    minVersion: setting("TLS_MIN_VERSION", oneOf("TLSv1.2", "TLSv1.3"), "TLSv1.2").for(
      "the least version of TLS that is spoken",
    ),
  },
  limits: {
    connections: setting("MAX_CONNECTIONS", whole(1, million), defaultLimits.connections).for(
      "the most connections at a time, and never more than the process may open files for, less 64; a further one takes the place of the one that has been idle the longest",
    ),
    requests: setting("MAX_REQUESTS", whole(1, million), defaultLimits.requests).for(
      "the most requests in flight, streams among them; from there on connections with more than their share get no further ones",
    ),
    requestsPerConnection: setting(
      "MAX_REQUESTS_PER_CONNECTION",
      whole(1, 10_000),
      defaultLimits.requestsPerConnection,
    ).for("the most requests in flight on one connection over HTTP/2"),
    waitingBytes: setting(
      "MAX_WAITING_BYTES",
      whole(mebibyte, 64 * 1024 * mebibyte),
      defaultLimits.waitingBytes,
    ).for(
      "the most bytes of answers that wait for callers to take them; above, those who let most wait are cut off",
    ),
    waitingBytesPerConnection: setting(
      "MAX_WAITING_BYTES_PER_CONNECTION",
      whole(1024, 1024 * mebibyte),
      defaultLimits.waitingBytesPerConnection,
    ).for("the bytes that may wait for one connection before its next requests wait too"),
  },
  timeouts: {
    headersMs: setting("HEADERS_TIMEOUT_MS", milliseconds, defaultTimeouts.headersMs).for(
      "how long a TLS handshake, a connection's first bytes and a request's headers may take",
    ),
    requestMs: setting("REQUEST_TIMEOUT_MS", milliseconds, defaultTimeouts.requestMs).for(
      "how long a whole request may take to arrive",
    ),
    idleMs: setting("IDLE_TIMEOUT_MS", upToADay, defaultTimeouts.idleMs).for(
      "how long a connection without requests is kept; longer than a load balancer keeps its own (60 s)",
    ),
    writeMs: setting("WRITE_TIMEOUT_MS", milliseconds, defaultTimeouts.writeMs).for(
      "how long a caller may take nothing of an answer that waits for it",
    ),
    responseMs: setting("MAX_RESPONSE_MS", upToADay, defaultTimeouts.responseMs).for(
      "how long an answer may go on: the longest life of a stream",
    ),
    connectionMs: setting("MAX_CONNECTION_MS", upToADay, defaultTimeouts.connectionMs).for(
      "after which a connection takes no further requests, so that callers spread over processes",
    ),
  },
} as const satisfies Settings;

/**
 * The files of the settings, which can be used; undefined for cleartext.
 *
 * @throws StartError
 */
export function findTlsFiles({
  certFile,
  keyFile,
  ...others
}: Values<typeof portSettings.tls>): TlsFiles | undefined {
  if (certFile === undefined && keyFile === undefined && others.clientCaFile === undefined) {
    return undefined;
  }
  if (certFile === undefined || keyFile === undefined) {
    throw new StartError(
      "TLS_CERT_FILE and TLS_KEY_FILE must be set together, and for TLS_CLIENT_CA_FILE.",
    );
  }
  const files = Object.freeze({ certFile, keyFile, ...others });
  try {
    checkTlsFiles(files);
  } catch (failure) {
    throw failure instanceof TlsFilesError
      ? new StartError(describeTlsFailure(failure), { cause: failure })
      : failure;
  }
  return files;
}

/** Names the setting whose file cannot be used, and why. */
export function describeTlsFailure({ file, message }: TlsFilesError): string {
  return `${portSettings.tls[file].name} ${message}.`;
}
