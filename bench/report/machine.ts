import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import type { Machine } from "./results.ts";

const packages = ["fastify", "@connectrpc/connect", "@mikro-orm/core", "pg", "@grpc/grpc-js"];

/** Describes where the figures come from. Versions that are missing are left out. */
export function describeMachine(versions: Readonly<Record<string, string | undefined>>): Machine {
  const all = {
    node: process.versions.node,
    ...Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
    ...versions,
  };
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    commit: execFileSync("git", ["describe", "--always", "--dirty", "--abbrev=12"], {
      encoding: "utf8",
    }).trim(),
    versions: Object.fromEntries(
      Object.entries(all).flatMap(([name, version]) => (version ? [[name, version]] : [])),
    ),
  };
}

function packageVersion(name: string): string {
  // package-lock.json is npm's own format; it has an entry for each installed package.
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { version: string } | undefined>;
  };
  return lock.packages[`node_modules/${name}`]?.version ?? "unknown";
}
