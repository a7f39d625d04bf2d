import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Server } from "node:https";
import type { Socket } from "node:net";
import { createSecureContext, type TLSSocket } from "node:tls";

/** PEM files, read again whenever they have changed. */
export interface TlsFiles {
  /** The certificate and its chain. */
  readonly certFile: string;
  /** The certificate's private key. */
  readonly keyFile: string;
  /** The authorities of the clients; present, a client without a certificate of theirs is refused. */
  readonly clientCaFile?: string | undefined;
  /** The least version that is spoken; absent: TLSv1.2. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** Called for files that were taken up, and for those that were not; the old ones serve on then. */
  readonly onReload?: ((failure: TlsFilesError | undefined) => void) | undefined;
  /** How often they are looked at; absent: every 10 seconds. */
  readonly reloadMs?: number | undefined;
}

/** A file cannot be used. The message tells why and repeats nothing of what it holds. */
export class TlsFilesError extends Error {
  override readonly name = "TlsFilesError";
  readonly file: "certFile" | "keyFile" | "clientCaFile";

  constructor(file: TlsFilesError["file"], message: string, cause?: unknown) {
    super(message, { cause });
    this.file = file;
  }
}

interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

/** @throws TlsFilesError if a server could not start with the files */
export function checkTlsFiles(files: TlsFiles): void {
  checkTexts(readTexts(files));
}

/** The files of a server, as they were when they last could be used. */
export class TlsIdentity {
  readonly #files: TlsFiles;
  #texts: TlsTexts;
  /** What was found last, good or not: of each change is told once. */
  #found: string;
  /** When the certificate's time is over. */
  expiresAt: Date;

  /** @throws TlsFilesError */
  constructor(files: TlsFiles) {
    this.#files = files;
    this.#texts = readTexts(files);
    this.#found = JSON.stringify(this.#texts);
    this.expiresAt = checkTexts(this.#texts);
  }

  get serverOptions() {
    return { ...this.#texts, requestCert: this.#texts.ca !== undefined, rejectUnauthorized: true };
  }

  /** Has the servers take up files that have changed; the connections that are there stay. */
  reload(servers: Iterable<Pick<Server, "setSecureContext">>): void {
    const { onReload } = this.#files;
    let found = "unreadable";
    try {
      const texts = readTexts(this.#files);
      found = JSON.stringify(texts);
      if (found === this.#found) {
        return;
      }
      this.expiresAt = checkTexts(texts);
      this.#texts = texts;
      for (const server of servers) {
        server.setSecureContext(texts);
      }
      onReload?.(undefined);
    } catch (failure) {
      if (!(failure instanceof TlsFilesError)) {
        throw failure;
      }
      if (found !== this.#found) {
        onReload?.(failure);
      }
    } finally {
      this.#found = found;
    }
  }

  /** Reloads now and then. Returns what ends that. */
  watch(reload: () => void): () => void {
    const timer = setInterval(reload, this.#files.reloadMs ?? 10_000).unref();
    return () => clearInterval(timer);
  }
}

function readTexts({ certFile, keyFile, clientCaFile, minVersion = "TLSv1.2" }: TlsFiles) {
  return {
    cert: read("certFile", certFile),
    key: read("keyFile", keyFile),
    ...(clientCaFile === undefined ? {} : { ca: read("clientCaFile", clientCaFile) }),
    minVersion,
  };
}

function read(file: TlsFilesError["file"], path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
    throw new TlsFilesError(file, `names a file that cannot be read${code}`, cause);
  }
}

/** @returns when the certificate's time is over */
function checkTexts(texts: TlsTexts): Date {
  const certificate = parse("certFile", "must hold a certificate as PEM", () => {
    return new X509Certificate(texts.cert);
  });
  const key = parse("keyFile", "must hold a private key as PEM, without a password", () =>
    createPrivateKey(texts.key),
  );
  if (!certificate.checkPrivateKey(key)) {
    throw new TlsFilesError("keyFile", "is not the key of the certificate");
  }
  if (texts.ca !== undefined) {
    const { ca } = texts;
    parse("clientCaFile", "must hold a certificate as PEM", () => new X509Certificate(ca));
  }
  parse("certFile", "cannot be used with its key, which may be too short", () =>
    createSecureContext(texts),
  );
  return certificate.validToDate;
}

function parse<Parsed>(file: TlsFilesError["file"], message: string, run: () => Parsed): Parsed {
  try {
    return run();
  } catch (cause) {
    throw new TlsFilesError(file, message, cause);
  }
}

/** What happens to the sockets of a TLS port: the handshake, and then what ALPN chose. */
export interface HandshakeListeners {
  readonly begun: (socket: Socket) => void;
  /** The socket whose handshake began is the TLS socket's now, and ends with it. */
  readonly done: (socket: Socket, tlsSocket: TLSSocket) => void;
}

export function watchHandshakes(server: Server, { begun, done }: HandshakeListeners): void {
  // Node tells of the plain socket, and after the handshake of the TLS socket around it. What they
  // have in common is the peer's address.
  const handshakes = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const peer = addressOf(socket);
    handshakes.set(peer, socket);
    socket.once("close", () => {
      if (handshakes.get(peer) === socket) {
        handshakes.delete(peer);
      }
    });
    begun(socket);
  });
  server.on("secureConnection", (tlsSocket: TLSSocket) => {
    const peer = addressOf(tlsSocket);
    const socket = handshakes.get(peer);
    handshakes.delete(peer);
    if (socket !== undefined) {
      done(socket, tlsSocket);
    }
  });
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
