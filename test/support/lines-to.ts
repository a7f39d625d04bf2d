/** Where a log goes whose lines, and those of an audit trail between them, are taken one by one. */
export function linesTo(take: (line: string) => void) {
  return {
    write: take,
    append(lines: string | Buffer) {
      for (const line of lines.toString().match(/.+\n/g) ?? []) {
        take(line);
      }
      return "";
    },
  };
}
