import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";

/** Copies what is in the repository, or is to be, and links the packages; its own are the copies. */
export function copyCheckout(copy: string): void {
  const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const files = execFileSync("git", listed, { encoding: "utf8" }).split("\0");
  for (const file of files.filter((name) => existsSync(name) && name !== "")) {
    cpSync(file, join(copy, file));
  }
  const [packages, own] = [resolve("node_modules"), "@partner-service"];
  mkdirSync(join(copy, "node_modules", own), { recursive: true });
  for (const name of readdirSync(packages).filter((entry) => entry !== own)) {
    symlinkSync(join(packages, name), join(copy, "node_modules", name));
  }
  for (const name of readdirSync(join(packages, own))) {
    symlinkSync(join(copy, "packages", name), join(copy, "node_modules", own, name));
  }
}
