import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder that only its owner can enter, and those above it, where they are not there. Node's
 * `recursive` never ends where the system takes no folders, as in /proc.
 *
 * @throws the system's error
 */
export function makeFolder(path: string): void {
  try {
    makeOne(path);
  } catch (failure) {
    const parent = dirname(path);
    if (parent === path || !hasCode(failure, "ENOENT")) {
      throw failure;
    }
    makeFolder(parent);
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (failure) {
    // Where a file is in its place, its user finds out.
    if (!hasCode(failure, "EEXIST")) {
      throw failure;
    }
  }
}

function hasCode(failure: unknown, code: string): boolean {
  return failure instanceof Error && "code" in failure && failure.code === code;
}
