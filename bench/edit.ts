/** A change of one file: some of its text, which it has once, becomes another. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Makes the edit in the file's text.
 *
 * @throws Error when the file does not have the text, or has it more than once.
 */
export function applyEdit(text: string, { file, from, to }: Edit): string {
  const [before, after, ...more] = text.split(from);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${file} must have this once, and does not:\n${from}`);
  }
  return before + to + after;
}
