// Writes what is generated from the contract for people and programs that do not read Protobuf, and
// the sections of the documents that repeat it or the settings; below the folder that is named, or here.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readContract } from "./reference/contract.ts";
import { documentSections } from "./reference/document-sections.ts";
import { createRemedies } from "./reference/error-reasons.ts";
import { createOpenApi } from "./reference/openapi.ts";
import { createPage } from "./reference/page/page.ts";
import { replaceSections } from "./reference/sections.ts";
import { tar } from "./reference/tar.ts";

const [folder = "."] = process.argv.slice(2);

// Protobuf's generated code holds no comments; the compiler's own descriptors do.
const contract = readContract(
  execFileSync("buf", ["build", "--as-file-descriptor-set", "--output", "-"]),
);
const sections = documentSections(contract);

write("gen/openapi/openapi.json", `${JSON.stringify(createOpenApi(contract), null, 2)}\n`);
write("gen/docs/index.html", createPage(contract));
write("packages/client/gen/remedies.ts", createRemedies(contract));
write("gen/docs/protos.tar", exportedContract());
for (const document of ["README.md", ...globSync("docs/**/*.md")]) {
  write(document, replaceSections(readFileSync(document, "utf8"), sections));
}

/** The contract's .proto files and all that they import, in the folder `proto`. */
function exportedContract(): Buffer {
  using directory = mkdtempDisposableSync(join(tmpdir(), "protos-"));
  execFileSync(process.execPath, ["scripts/export-protos.ts", directory.path]);
  const paths = globSync("**/*.proto", { cwd: directory.path }).sort();
  return tar(
    paths.map((path) => ({
      path: `proto/${path}`,
      content: readFileSync(join(directory.path, path)),
    })),
  );
}

function write(path: string, content: string | Buffer): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
