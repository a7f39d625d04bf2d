import { readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { parseArgs } from "node:util";
import { createConnectTransport } from "@connectrpc/connect-node";
import {
  type CheckedRow,
  type Columns,
  checkRows,
  createRows,
  decodeTable,
  type FieldName,
  fateText,
  fieldNamed,
  fieldNames,
  fields,
  greatestTableBytes,
  guessColumns,
  isFailed,
  missingFields,
  readTable,
  type Table,
  TableError,
  writeRows,
} from "@partner-service/partner-import";
import { StartError } from "@partner-service/settings";
import { ConnectError, createPartnerClient, remedyOf } from "../packages/client/src/index.ts";
import { readConfig } from "../src/config/config.ts";
import { useDataDirectory } from "../src/database/data-directory.ts";
import { openSandbox } from "../src/sandbox/sandbox.ts";

/** Brings the rows of a CSV or TSV file into an organization's book. */
const usage = `usage: npm run --silent import -- FILE --organization UUID [OPTION …]

  --dry-run              only tell what would become of each row
  --map FIELD=COLUMN     the column, by its heading, that holds a field; several are joined
  --default FIELD=VALUE  the value for rows that have none
  --failed FILE          where the rows go that failed, and why; else beside FILE
  --url URL              the service; else PARTNER_URL, or http://127.0.0.1:8080
  --token-file FILE      the access token; else PARTNER_TOKEN, or one of this folder's sandbox

fields: ${fieldNames.map((field) => fields[field].name).join(", ")}`;

/** How a script learns what has become of the file. */
const exitCodes = {
  /** Each row is in the book, or can be. */
  done: 0,
  /** Some rows are refused. */
  refused: 1,
  /** The command or the file cannot be used. */
  unusable: 2,
  /** The service was away, or refused the caller: the same command goes on from there. */
  stopped: 3,
} as const;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The command, or the file, cannot be used. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        organization: { type: "string", default: "" },
        "dry-run": { type: "boolean", default: false },
        map: { type: "string", multiple: true, default: [] },
        default: { type: "string", multiple: true, default: [] },
        failed: { type: "string" },
        url: { type: "string" },
        "token-file": { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

async function readFileAsTable(file: string): Promise<Table> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be read.`, { cause });
  });
  if (size > greatestTableBytes) {
    throw new UsageError(`${file} is longer than ${greatestTableBytes / 1024 / 1024} MiB.`);
  }
  return readTable(decodeTable(await readFile(file)));
}

/** Reads `FIELD=TEXT`. */
function readPair(pair: string): readonly [FieldName, string] {
  const [, name = "", text = ""] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
  const field = fieldNamed(name);
  if (field === undefined || text === "") {
    throw new UsageError(`${pair} is not FIELD=TEXT with a field of a partner.\n\n${usage}`);
  }
  return [field, text];
}

/** The guess, but for the fields whose columns are given. */
function chooseColumns(table: Table, given: readonly (readonly [FieldName, string])[]): Columns {
  const unknown = given.find(([, heading]) => !table.header.includes(heading));
  if (unknown !== undefined) {
    throw new UsageError(`There is no column ${unknown[1]}, only ${table.header.join(", ")}.`);
  }
  return guessColumns(table).map((guess, index) => {
    const [field] = given.find(([, heading]) => heading === table.header[index]) ?? [];
    return field ?? (given.some(([name]) => name === guess) ? undefined : guess);
  });
}

/** The access token, read anew each time it is wanted, so that one that is renewed is taken up. */
function tokenSource(tokenFile: string | undefined, organization: string): () => Promise<string> {
  const { PARTNER_TOKEN: token } = process.env;
  if (tokenFile !== undefined) {
    return async () => (await readFile(tokenFile, "utf8")).trim();
  }
  if (token !== undefined) {
    return async () => token;
  }
  const { authentication, dataDirectory, organizationClaim } = readConfig(process.env);
  if (authentication !== undefined) {
    throw new UsageError("There is no access token: set PARTNER_TOKEN, or name --token-file.");
  }
  return async () => {
    const sandbox = await useDataDirectory(dataDirectory, () =>
      openSandbox(dataDirectory, organizationClaim),
    );
    return await sandbox.createToken(organization);
  };
}

function describeColumns(table: Table, columns: Columns): string {
  return table.header
    .map((heading, index) => {
      const field = columns[index];
      return `  ${heading} → ${field === undefined ? "not imported" : fields[field].name}`;
    })
    .join("\n");
}

/** Takes in what a stage yields, and tells how far it has come. */
async function follow(
  stage: AsyncIterable<readonly CheckedRow[]>,
  label: string,
  total: number,
  take: (rows: readonly CheckedRow[]) => void,
): Promise<void> {
  let done = 0;
  for await (const rows of stage) {
    take(rows);
    done += rows.length;
    console.error(`${label} ${done} of ${total} rows`);
  }
}

function summarize(rows: readonly CheckedRow[]): string {
  const texts = {
    created: "created",
    new: "can be created",
    present: "already there",
    repeated: "the same as another row",
    refused: "refused",
  };
  const counts = Object.entries(texts)
    .map(([kind, text]) => [rows.filter(({ fate }) => fate.kind === kind).length, text] as const)
    .filter(([count]) => count > 0);
  const told = counts.map((count) => count.join(" "));
  return told.length === 0 ? "No row." : `${rows.length} rows: ${told.join(", ")}.`;
}

async function importFile(): Promise<number> {
  const { positionals, values } = readArguments();
  const [file] = positionals;
  const { organization, "dry-run": isDryRun, "token-file": tokenFile } = values;
  if (file === undefined || positionals.length > 1 || !uuid.test(organization)) {
    throw new UsageError(usage);
  }
  const table = await readFileAsTable(file);
  const columns = chooseColumns(table, values.map.map(readPair));
  const defaults = Object.fromEntries(values.default.map(readPair));
  console.error(describeColumns(table, columns));
  const missing = missingFields(columns, defaults).map((field) => fields[field].name);
  if (missing.length > 0) {
    throw new UsageError(`No column holds ${missing.join(", ")}: say --map or --default.`);
  }
  const partners = createPartnerClient({
    transport: createConnectTransport({
      baseUrl: values.url ?? process.env.PARTNER_URL ?? "http://127.0.0.1:8080",
      httpVersion: "1.1",
    }),
    token: tokenSource(tokenFile, organization.toLowerCase()),
    organization: organization.toLowerCase(),
  });
  const fates = new Map<number, CheckedRow>();
  const take = (rows: readonly CheckedRow[]) => {
    for (const checked of rows) {
      fates.set(checked.row.number, checked);
    }
  };
  let interruption: ConnectError | undefined;
  try {
    const { length } = table.rows;
    await follow(checkRows(partners, table, { columns, defaults }), "checked", length, take);
    const wanted = [...fates.values()].filter(({ fate }) => fate.kind === "new");
    if (!isDryRun) {
      await follow(createRows(partners, wanted), "created", wanted.length, take);
    }
  } catch (error) {
    if (!(error instanceof ConnectError)) {
      throw error;
    }
    interruption = error;
  }
  const rows = [...fates.values()];
  if (isDryRun) {
    for (const { row, fate } of rows) {
      console.log(`row ${row.number}: ${fateText(fate)}`);
    }
  }
  console.log(summarize(rows));
  const failed = rows.filter(isFailed);
  if (failed.length > 0 && (!isDryRun || values.failed !== undefined)) {
    const path = values.failed ?? besides(file);
    const reasons = failed.map(({ row, fate }) => ({ row, reason: fateText(fate) }));
    await writeFile(path, writeRows(table, reasons));
    console.log(`The rows that were refused, and why: ${path}`);
  }
  if (interruption !== undefined) {
    console.error(`Stopped after ${rows.length} of ${table.rows.length} rows.`);
    console.error(describeInterruption(interruption));
    return exitCodes.stopped;
  }
  return failed.length > 0 ? exitCodes.refused : exitCodes.done;
}

function describeInterruption(error: ConnectError): string {
  const remedy = remedyOf(error);
  return remedy === undefined
    ? error.message
    : `${error.message}\nTo correct or ask: ${remedy.text}`;
}

function besides(file: string): string {
  const extension = extname(file);
  return join(dirname(file), `${basename(file, extension)}.failed${extension}`);
}

try {
  process.exitCode = await importFile();
} catch (error) {
  const isUsers = [UsageError, TableError, StartError].some((kind) => error instanceof kind);
  if (!(error instanceof Error && isUsers)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = exitCodes.unusable;
}
