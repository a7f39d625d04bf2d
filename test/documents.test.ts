import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join, normalize, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSandbox } from "../src/sandbox/sandbox.ts";
import { createPgliteDatabase, createPostgresDatabase } from "./support/databases.ts";
import { type ServiceProcess, startProcess } from "./support/process.ts";

/** Runs the snippets of the documents as a reader would, against a sandbox on a free port. */
const run = promisify(execFile);
const documents = new Map(
  ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...globSync("docs/**/*.md")].map((path) => [
    path,
    readFileSync(path, "utf8"),
  ]),
);
const readme = documents.get("README.md") ?? "";

let database: Awaited<ReturnType<typeof createPgliteDatabase>>;
let dataDirectory: string;
let sandbox: ServiceProcess;
let url: string;

beforeAll(async () => {
  database = await createPgliteDatabase();
  dataDirectory = dirname(database.settings.dataDirectory);
  sandbox = startProcess("src/main.ts", { PORT: "0", DATA_DIR: dataDirectory });
  [, url = ""] = await sandbox.waitFor(/ready at (\S+)/);
});
afterAll(async () => {
  sandbox.child.kill("SIGTERM");
  await sandbox.ended();
  await database.close();
});

/** The one code block of the language, in all documents, that contains the text. */
function snippet(language: string, text: string): string {
  const blocks = [...[...documents.values()].join("\n").matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, blockLanguage, code]) => blockLanguage === language && code?.includes(text))
    .map(([, , code]) => code ?? "");
  expect(blocks).toHaveLength(1);
  return blocks[0] ?? "";
}

async function runShell(script: string, environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], {
    env: { PATH: process.env.PATH, HOME: dataDirectory, DATA_DIR: dataDirectory, ...environment },
  });
  return stdout;
}

const oneCall = () =>
  snippet("sh", "npm run --silent token").replaceAll("http://127.0.0.1:8080", url);

test("the README has at most 150 lines, and opens with the two commands", () => {
  expect(readme.split("\n").length - 1).toBeLessThanOrEqual(150);
  expect(readme.indexOf("npm ci && npm start")).toBeGreaterThan(0);
  expect(readme.indexOf("npm ci && npm test")).toBeGreaterThan(0);
});

test("the call in curl answers what it says", async () => {
  const answer = JSON.parse(await runShell(oneCall()));
  const documented = JSON.parse(snippet("json", '"invitationStatus"'));
  expect(answer).toEqual({
    partner: {
      ...documented.partner,
      id: expect.any(String),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    },
  });
});

test("an error looks as it says", async () => {
  const answer = JSON.parse(await runShell(oneCall().replace('"New York"', '""')));
  const documented = JSON.parse(snippet("json", "FIELD_INVALID"));
  documented.details[1].value = expect.any(String);
  expect(answer).toEqual(documented);
});

test("the call with buf curl creates a partner", async () => {
  const variables = oneCall().split("\n\n")[0];
  const command = snippet("sh", "buf curl").replaceAll("http://127.0.0.1:8080", url);
  const answer = JSON.parse(await runShell(`${variables}\n${command}`));
  expect(answer.partner.companyName).toBe("Example Supplies Ltd");
});

/** What the first snippet of the client has, and no other. */
const firstSnippet = "createPartner({";

test("the TypeScript client creates a partner", async () => {
  const code = `${snippet("ts", firstSnippet)}console.log(partner?.companyName);`;
  expect(await runTypeScript(code)).toBe("Example Supplies Ltd\n");
});

test("a page's edit is saved, or tells of a conflict or of what is wrong, as it says", async () => {
  const created = snippet("ts", firstSnippet);
  const use = `
    if (partner === undefined) {
      throw new Error("There is no partner.");
    }
    const mine = await saveEdit({ ...partner, city: "Boston" });
    const theirs = await saveEdit({ ...partner, city: "Chicago" });
    const decided = "conflict" in theirs && theirs.conflict
      ? await saveEdit({ ...partner, city: "Chicago", etag: theirs.conflict.etag })
      : theirs;
    const wrong = await saveEdit({ ...partner, companyName: "" });
    const shown = [mine, theirs, decided, wrong].map((outcome) =>
      Object.entries(outcome).map(([kind, value]) => [kind, value.city ?? [...value.keys()]]),
    );
    console.log(JSON.stringify(shown.flat()));
  `;
  const answer = await runTypeScript([created, snippet("ts", "saveEdit"), use].join("\n"));
  expect(JSON.parse(answer)).toEqual([
    ["saved", "Boston"],
    ["conflict", "Boston"],
    ["saved", "Chicago"],
    ["problems", ["companyName"]],
  ]);
});

test("the import of a file tells of each row what it says", async () => {
  const folder = await mkdtemp(join(dataDirectory, "import-"));
  const file = join(folder, "customers.csv");
  await writeFile(file, snippet("csv", "Kundennr."));
  const command = snippet("sh", "npm run --silent import").trim().replace("customers.csv", file);
  const environment = { ORGANIZATION: crypto.randomUUID(), PARTNER_URL: url };
  // One of the rows is refused.
  const output = async (line: string) => runShell(`${line} 2>&1 || test $? = 1`, environment);
  const dryRun = snippet("text", "can be created");
  expect(await output(command)).toBe(dryRun);
  const columns = dryRun.slice(0, dryRun.indexOf("checked"));
  const written = (await output(command.replace(" --dry-run", ""))).replace(`${folder}/`, "");
  expect(written).toBe(`${columns}${snippet("text", "created 2 of 2 rows")}`);
});

test("a connection is lived from both sides as it says, and what has ended is dropped", async () => {
  const guestId = crypto.randomUUID();
  const guestToken = await sandboxToken(guestId);
  const given = `
    const [hostId, hostToken, partnerId] = [organization, token, partner?.id];
    const [guestId, guestToken] = ["${guestId}", "${guestToken}"];
  `;
  const use = `
    const refusal = await host.to(guestId).listPartners({}).catch(({ message }) => message);
    const ended = new Map([[guestId, theirs]]);
    await dropEnded(ended);
    const again = await host.own.invitePartner({ id: partnerId });
    await guest.to(hostId).acceptInvitation(again);
    const open = new Map([[guestId, theirs]]);
    await dropEnded(open);
    const seen = connections.map(({ organizationId, partners: [{ id }] }) => [organizationId, id]);
    console.log(JSON.stringify([theirs, seen, refusal, [...ended.keys()], [...open.keys()]]));
  `;
  const snippets = [snippet("ts", firstSnippet), given, snippet("ts", "endConnection")];
  const answer = await runTypeScript([...snippets, snippet("ts", "dropEnded"), use].join("\n"));
  const [theirs, seen, refusal, ended, open] = JSON.parse(answer);
  expect({ theirs, seen, ended, open }).toEqual({
    ...{ theirs: [], seen: [[expect.any(String), null]], ended: [], open: [guestId] },
  });
  expect(refusal).toContain("permission_denied");
});

/** A token as `npm run token` prints it, which the calls with curl run. */
async function sandboxToken(organization: string): Promise<string> {
  return await (await openSandbox(dataDirectory, "org_id")).createToken(organization);
}

/** Runs code that uses the client, for an organization of its own; returns what it prints. */
async function runTypeScript(code: string): Promise<string> {
  const organization = crypto.randomUUID();
  const token = await sandboxToken(organization);
  // In the project's folder, where the packages are found.
  await mkdir(".data", { recursive: true });
  const directory = await mkdtemp(resolve(".data/readme-"));
  try {
    const file = join(directory, "snippet.ts");
    const constants = { baseUrl: url, organization, token };
    const header = Object.entries(constants).map(
      ([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`,
    );
    const client = JSON.stringify(resolve("packages/client/src/index.ts"));
    const imported = code.replaceAll('"@partner-service/client"', client);
    await writeFile(file, `${header.join("")}${imported}`);
    return (await run(process.execPath, [file])).stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}

test("the commands for PostgreSQL migrate it and start on it", async () => {
  await using database = await createPostgresDatabase("template1");
  const commands = snippet("sh", "npm run migrate").replace(
    /DATABASE_URL=\S+/,
    `DATABASE_URL=${database.settings.databaseUrl}`,
  );
  expect(commands).toContain("npm run migrate && npm start");
  await runShell(commands.replace("npm start", "true"));
  const service = startProcess("src/main.ts", {
    PORT: "0",
    DATA_DIR: dataDirectory,
    DATABASE_URL: database.settings.databaseUrl,
  });
  await service.waitFor(/ready at/);
  service.child.kill("SIGTERM");
  expect(await service.ended()).toBe(0);
});

test("no link of a document leads nowhere", () => {
  const packages = globSync("packages/*/README.md").map(
    (path) => [path, readFileSync(path, "utf8")] as const,
  );
  const broken = [...documents, ...packages].flatMap(([path, text]) =>
    linksOf(text)
      .filter((link) => !leadsSomewhere(path, link))
      .map((link) => `${path}: ${link}`),
  );
  expect(broken).toEqual([]);
});

function linksOf(text: string): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^https?:/.test(link));
}

function leadsSomewhere(document: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : normalize(join(dirname(document), path));
  if (anchor === undefined) {
    return existsSync(target);
  }
  const headings = existsSync(target) ? readFileSync(target, "utf8").matchAll(/^#+ (.+)$/gm) : [];
  return [...headings].some(([, heading = ""]) => anchorOf(heading) === anchor);
}

/** The anchor that GitHub gives to a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}
