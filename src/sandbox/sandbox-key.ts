import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWK } from "jose";

/** The sandbox's own key pair: it both makes access tokens and accepts them. */
export interface SandboxKey {
  readonly privateKey: JWK;
  /** The public half, as a JWK's text. */
  readonly publicKey: string;
}

/**
 * Reads the ES256 key pair of the sandbox from the data directory; makes one the first time.
 * The file can be read by its owner only.
 */
export async function openSandboxKey(dataDirectory: string): Promise<SandboxKey> {
  const path = join(dataDirectory, "sandbox-key.json");
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  try {
    return toSandboxKey(await readFile(path, "utf8"));
  } catch (failure) {
    if (!hasCode(failure, "ENOENT")) {
      throw failure;
    }
  }
  await makeKey(path);
  return toSandboxKey(await readFile(path, "utf8"));
}

/** Writes a new key aside and links it into place: of processes that start at once, one wins. */
async function makeKey(path: string): Promise<void> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 });
  try {
    await link(aside, path);
  } catch (failure) {
    if (!hasCode(failure, "EEXIST")) {
      throw failure;
    }
  } finally {
    await rm(aside);
  }
}

function toSandboxKey(text: string): SandboxKey {
  // The file is our own; jose checks the members when it imports the key.
  const privateKey = JSON.parse(text) as JWK;
  const { d: _private, ...publicKey } = privateKey;
  return { privateKey, publicKey: JSON.stringify(publicKey) };
}

function hasCode(failure: unknown, code: string): boolean {
  return failure instanceof Error && "code" in failure && failure.code === code;
}
