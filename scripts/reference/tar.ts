/** A file of an archive. */
export interface TarFile {
  readonly path: string;
  readonly content: Buffer;
}

const blockBytes = 512;

/**
 * An archive as `tar` reads it (POSIX, "ustar"), which is the same for the same files: they have no owner,
 * and are of the year 1970.
 */
export function tar(files: readonly TarFile[]): Buffer {
  const blocks = files.flatMap(({ path, content }) => [
    header(path, content.length),
    content,
    Buffer.alloc(-content.length & (blockBytes - 1)),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function header(path: string, size: number): Buffer {
  if (Buffer.byteLength(path) > 100) {
    throw new Error(`${path} is too long for an archive.`);
  }
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  // Each field is a text at a fixed place. The checksum counts its own place as spaces.
  block.write(path, 0);
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(" ".repeat(8), 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)} `, 148);
  return block;
}
