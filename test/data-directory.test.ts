import { mkdtempDisposableSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useDataDirectory } from "../src/database/data-directory.ts";

test("DATA_DIR is made where there is none, its parents with it, and is for its owner only", async () => {
  using directory = mkdtempDisposableSync(join(tmpdir(), "partner-data-"));
  const path = join(directory.path, "some", "data");
  const modeOf = (folder: string) => (statSync(folder).mode & 0o777).toString(8);
  expect(await useDataDirectory(path, async () => modeOf(path))).toBe("700");
  expect(modeOf(join(directory.path, "some"))).toBe("700");
});
