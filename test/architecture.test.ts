import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bookClient, createPartner } from "./support/book.ts";
import { acme } from "./support/organizations.ts";
import { startTestService, type TestService } from "./support/service.ts";

/** Holds docs/architecture.md to what a CreatePartner does. */
const document = readFileSync("docs/architecture.md", "utf8");
const [, way = ""] = document.split("## A request's way");
const [listed = "", helpers = ""] = way.split("\n## ")[0]?.split("What they use on the way") ?? [];
const linksOf = (text: string) =>
  [...text.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path = ""]) => path);
const files = [...listed.matchAll(/^\d+\. \[([^\]]+)\]/gm)].map(([, file = ""]) => file);

describe("A request's way in docs/architecture.md", () => {
  let service: TestService;
  /** What runs once, when the app is built: the chain is put together then. */
  let ranAtStart: readonly string[];
  let ran: readonly string[];

  beforeAll(async () => {
    ranAtStart = await filesThatRun(async () => {
      service = await startTestService("postgresql");
    });
    const client = await bookClient(service, acme);
    await createPartner(client);
    ran = await filesThatRun(() => createPartner(client));
  });
  afterAll(async () => {
    await service?.close();
  });

  test("has at most 12 files, of at most 1,200 lines together", () => {
    const lines = files.flatMap((file) => readFileSync(file, "utf8").trimEnd().split("\n"));
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThanOrEqual(12);
    expect(lines.length).toBeLessThanOrEqual(1200);
  });

  test("is a way: each file is imported by one before it, or handed to it by src/service.ts", () => {
    const stray = files.filter((file, index) => {
      const before = ["src/service.ts", ...files.slice(0, index)];
      return index > 0 && !before.some((importer) => importsOf(importer).includes(file));
    });
    expect(stray).toEqual([]);
  });

  test("is what a CreatePartner takes: each file runs, and whatever else runs is named below", () => {
    const doors = files.filter((file) => file.startsWith("packages/"));
    const own = files.filter((file) => !doors.includes(file));
    expect(own.filter((file) => ![...ranAtStart, ...ran].includes(file))).toEqual([]);
    expect(own.filter((file) => !ran.includes(file))).toEqual(["src/routes.ts"]);
    for (const door of doors) {
      expect(ran.some((file) => file.startsWith(dirname(door)))).toBe(true);
    }
    const named = [...files, ...linksOf(helpers)];
    expect(ran.filter((file) => !named.some((path) => file.startsWith(path)))).toEqual([]);
  });
});

/** The files of the service and its packages of which a function runs meanwhile. */
async function filesThatRun(work: () => Promise<unknown>): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    await session.post("Profiler.takePreciseCoverage");
    await work();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    return result
      .filter(({ functions }) => functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0))
      .map(({ url }) => pathOf(url))
      .filter((path) => /^(?:src|packages)\//.test(path));
  } finally {
    session.disconnect();
  }
}

/** The test runner names modules by where they are in the project, as Node does by the whole path. */
function pathOf(url: string): string {
  if (!url.startsWith("file://")) {
    return "";
  }
  const path = fileURLToPath(url);
  return path.startsWith(process.cwd()) ? relative(process.cwd(), path) : path.replace(/^\//, "");
}

/** What a file imports of the project, from its root. */
function importsOf(file: string): readonly string[] {
  return [...readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)].map(([, name = ""]) =>
    name.startsWith("@partner-service/")
      ? `packages/${name.slice("@partner-service/".length)}/src/index.ts`
      : normalize(join(dirname(file), name)),
  );
}
