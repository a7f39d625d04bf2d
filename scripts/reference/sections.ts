const section =
  /^<!-- (?<name>[\w:-]+): written by `(?<command>[^`]+)` -->\n[\s\S]*?^<!-- \/\k<name> -->$/gm;

/**
 * Fills the sections of a document that a command writes, and leaves those of other commands alone. A
 * section stands between two lines, `<!-- NAME: written by `COMMAND` -->` and `<!-- /NAME -->`.
 *
 * @throws Error when the document has a section of the command's that is not among the texts.
 */
export function replaceSections(
  document: string,
  { command, texts }: { command: string; texts: ReadonlyMap<string, string> },
): string {
  return document.replaceAll(section, (whole: string, name: string, writtenBy: string) => {
    if (writtenBy !== command) {
      return whole;
    }
    const text = texts.get(name);
    if (text === undefined) {
      throw new Error(`\`${command}\` writes no section ${name}.`);
    }
    return `<!-- ${name}: written by \`${command}\` -->\n${text.trimEnd()}\n<!-- /${name} -->`;
  });
}
