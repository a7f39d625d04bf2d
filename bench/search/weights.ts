import type { Client } from "pg";

/** Sizes to reckon with; none but the first is measured. */
const sizes = [1e6, 1e7, 1e8, 1e9];
/** What is read or written at places all over it, once there are many books. */
const touched = ["partner_pkey", "partner_company_name_index", "partner_change_index"];

/** What a part of the table takes of each row, in bytes. */
export interface Weight {
  readonly name: string;
  readonly bytes: number;
}

/** Weighs the rows and each index. */
export async function weighPartners(client: Client): Promise<readonly Weight[]> {
  const { rows } = await client.query<{ name: string; bytes: string }>(
    `select relname as name,
        pg_relation_size(oid)::float8 / (select count(*) from partner) as bytes
      from pg_class
      where oid = 'partner'::regclass
        or oid in (select indexrelid from pg_index where indrelid = 'partner'::regclass)
      order by relkind desc, pg_relation_size(oid) desc`,
  );
  return rows.map(({ name, bytes }) => ({ name, bytes: Number(bytes) }));
}

/** How many bytes some work writes to the log that standbys and archives follow. */
export async function weighLog(client: Client, work: () => Promise<unknown>): Promise<number> {
  const place = async () => {
    const { rows } = await client.query<{ bytes: string }>(
      "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes",
    );
    return Number(rows[0]?.bytes);
  };
  const before = await place();
  await work();
  return (await place()) - before;
}

/** What a partner takes, and from it what many would take. */
export function formatWeights(weights: readonly Weight[], logged: number): string {
  const sum = (some: readonly Weight[]) => some.reduce((all, { bytes }) => all + bytes, 0);
  const plain = weights.filter(({ name }) => name !== "partner_search_index");
  const perPartner = [
    sum(plain),
    sum(plain.filter(({ name }) => touched.includes(name))),
    sum(weights) - sum(plain),
    logged,
  ];
  const gigabytes = (bytes: number) =>
    `${(bytes / 1e9).toLocaleString("en", { maximumSignificantDigits: 2 })} GB`;
  return [
    "| a partner | bytes |",
    "|---|---:|",
    ...weights.map(({ name, bytes }) => `| ${name} | ${bytes.toFixed(0)} |`),
    `| written to the log (WAL), without the index for texts | ${logged.toFixed(0)} |`,
    "",
    "| partners, computed | table and indexes | of that, the indexes that creates and gets touch | the index for texts | log |",
    "|---:|---:|---:|---:|---:|",
    ...sizes.map((size) => {
      const cells = perPartner.map((bytes) => gigabytes(bytes * size));
      return `| ${size.toLocaleString("en")} | ${cells.join(" | ")} |`;
    }),
  ].join("\n");
}
