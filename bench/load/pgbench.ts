import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { insertStatement } from "../peers/insert.ts";
import type { LoadResult } from "./load.ts";
import { runProgram } from "./programs.ts";

/** Bound by pgbench as parameters; the id and the times are the server's to make. */
const variables = {
  organization: "7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f",
  company_name: "Example Supplies Ltd",
  sales_amount: "150000",
  partner_type: "customer",
  email: "partner@example.com",
  frequency: "monthly",
  payment_terms: "Net 30",
  address: "123 Main St, Suite 400",
  city: "New York",
  state: "NY",
  postal_code: "12345",
  registration: "123456789",
  country: "US",
  invitation_status: "invited",
};

const values = [
  ...[":organization", "uuidv7()", "now()", "now()", ":company_name", ":sales_amount"],
  ...[":partner_type", ":email", ":frequency", ":payment_terms", ":address", ":city", ":state"],
  ...[":postal_code", ":registration", ":country", ":invitation_status", "1"],
];

/** The same as they stand in a text: a statement of pgbench's has 255 parameters at most. */
const literals = values.map((value) => {
  const text = new Map(Object.entries(variables)).get(value.slice(1));
  return text === undefined ? value : `'${text}'`;
});

/**
 * Runs pgbench: each of the clients sends the peers' INSERT, of so many rows, prepared, when its last is
 * durable.
 */
export async function runPgbench(
  databaseUrl: string,
  { clients, rows }: { readonly clients: number; readonly rows: number },
  seconds: number,
): Promise<LoadResult> {
  const directory = await mkdtemp(join(tmpdir(), "partner-bench-pgbench-"));
  try {
    const script = join(directory, "insert.sql");
    const more = Array.from({ length: rows - 1 }, () => `, (${literals.join(", ")})`);
    const first = insertStatement(rows === 1 ? values : literals);
    await writeFile(script, `${first}${more.join("")};\n`);
    const { hostname, port, username, password, pathname } = new URL(databaseUrl);
    const output = await runProgram(
      "pgbench",
      [
        ...["--no-vacuum", "--protocol=prepared", `--client=${clients}`, "--jobs=2"],
        ...[`--time=${seconds}`, `--file=${script}`],
        ...Object.entries(variables).map(([name, value]) => `--define=${name}=${value}`),
        pathname.slice(1),
      ],
      { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password },
    );
    return readResult(output);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function readResult(output: string): LoadResult {
  const calls = Number(/actually processed: (\d+)/.exec(output)?.[1]);
  const perSecond = Number(/^tps = ([\d.]+)/m.exec(output)?.[1]);
  const failures = Number(/number of failed transactions: (\d+)/.exec(output)?.[1] ?? 0);
  if (!(calls > 0 && perSecond > 0)) {
    throw new Error(`pgbench did not report:\n${output}`);
  }
  return { calls, failures, seconds: calls / perSecond };
}
