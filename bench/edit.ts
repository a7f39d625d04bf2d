import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

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

/** Has this process load its modules as they would be with the edits made. */
export function loadWithEdits(edits: readonly Edit[]): void {
  const root = join(import.meta.dirname, "..");
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const own = url.startsWith("file:")
        ? edits.filter(({ file }) => fileURLToPath(url) === join(root, file))
        : [];
      return own.length === 0
        ? loaded
        : { ...loaded, source: own.reduce(applyEdit, String(loaded.source)) };
    },
  });
}
