import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where Debian puts the programs of PostgreSQL that are not for everyone, the newest version first. */
const folders = [
  ...globSync("/usr/lib/postgresql/*/bin").sort().reverse(),
  ...(process.env.PATH ?? "").split(delimiter),
  "/usr/sbin",
];

/** The path of a program; undefined where it is not there. */
export function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** What a test's name says where some of the programs are missing; else nothing. */
export function missingPrograms(...names: readonly string[]): string {
  const absent = names.filter((name) => findProgram(name) === undefined);
  return absent.length === 0 ? "" : ` – SKIPPED, there is no ${absent.join(", ")}`;
}

/** As whom the programs run, which refuse to be root's. */
export function unprivilegedUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const number = (flag: string) =>
    Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: number("-u"), gid: number("-g") };
}

/** Runs a program to its end. What it prints goes nowhere: a server that it starts would hold a pipe. */
export function runProgram(name: string, ...args: readonly string[]): void {
  const path = findProgram(name) ?? name;
  const { status } = spawnSync(path, args, { ...unprivilegedUser(), cwd: "/", stdio: "ignore" });
  if (status !== 0) {
    throw new Error(`${name} ${args.join(" ")} ended with ${status}.`);
  }
}
