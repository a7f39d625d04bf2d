import { createHash, randomInt, randomUUID } from "node:crypto";

/**
 * Makes a generator of UUIDv7s that only ever grow, also within a millisecond and when the clock is
 * set back: the 12 bits after the version are a counter (RFC 9562, section 6.2, method 1).
 * `crypto.randomUUIDv7()` grows from one millisecond to the next only.
 */
export function createUuidV7Generator(now: () => number = Date.now): () => string {
  let timestamp = 0;
  let time = "";
  let counter = 0;
  return () => {
    const current = now();
    counter += 1;
    if (current > timestamp || counter > 0xfff) {
      timestamp = Math.max(current, timestamp + 1);
      const digits = timestamp.toString(16).padStart(12, "0");
      time = `${digits.slice(0, 8)}-${digits.slice(8)}`;
      // Half of the range is left to count on.
      counter = randomInt(0x800);
    }
    const versionAndCount = (0x7000 + counter).toString(16);
    // The variant and 62 random bits are those of a UUIDv4. What is joined stays in pieces, of which V8 makes JSON
    // in a slow way: in lower case, as it is already, it is whole.
    return `${time}-${versionAndCount}-${randomUUID().slice(19)}`.toLowerCase();
  };
}

/** The UUIDv5 of a name within a namespace, itself a UUID (RFC 9562, section 5.5). */
export function uuidV5(namespace: string, name: string): string {
  const digest = createHash("sha1")
    .update(Buffer.from(namespace.replaceAll("-", ""), "hex"))
    .update(name)
    .digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString("hex", 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
