import type { JoinedCall } from "./joining.ts";
import type { Orm } from "./orm.ts";
import { query, type Row, run } from "./query.ts";
import type { RowMapping } from "./row-mapping.ts";

/** Whether the database has Citus, which spreads rows over machines by the value of a column. */
export async function hasCitus(orm: Orm): Promise<boolean> {
  const [row] = await query(orm, "select to_regclass('pg_dist_partition') is not null as has", []);
  return row?.has === true;
}

/** Whether the database is a worker of Citus: tables that are made there the coordinator does not know. */
export async function isCitusWorker(orm: Orm): Promise<boolean> {
  if (!(await hasCitus(orm))) {
    return false;
  }
  const [row] = await query(orm, "select groupid from pg_dist_local_group", []);
  return row?.groupid !== 0;
}

/** The tables that Citus knows, distributed or not; none where there is no Citus. */
async function findSpreadTables(orm: Orm): Promise<ReadonlySet<unknown>> {
  if (!(await hasCitus(orm))) {
    return new Set();
  }
  const sql = `select relname as name from pg_dist_partition
    join pg_class on pg_class.oid = logicalrelid where pg_table_is_visible(logicalrelid)`;
  return new Set((await query(orm, sql, [])).map(({ name }) => name));
}

/**
 * Makes what runs a shared statement. Where Citus has distributed the table, each holder of rows has one of
 * its own, which goes to the machine of its rows and nowhere else; so a machine that is down fails those of its
 * holders only.
 */
export function createSharing(orm: Orm, table: string) {
  let known: boolean | undefined;

  /** Whether Citus has spread the table over machines. It is asked once. */
  async function isDistributed(): Promise<boolean> {
    known ??= (await findSpreadTables(orm)).has(table);
    return known;
  }

  return {
    isDistributed,
    /**
     * Has calls joined with all others, or with those of their holder.
     *
     * @param together never rejects.
     * @param holderOf the value by which Citus spreads the rows that an item is about.
     */
    split<Item, Answer>(
      together: (calls: readonly JoinedCall<Item, Answer>[]) => Promise<void>,
      holderOf: (item: Item) => string,
    ) {
      return async (calls: readonly JoinedCall<Item, Answer>[]): Promise<void> => {
        let distributed: boolean;
        try {
          distributed = await isDistributed();
        } catch (failure) {
          for (const { reject } of calls) {
            reject(failure);
          }
          return;
        }
        if (!distributed) {
          await together(calls);
          return;
        }
        const groups = Map.groupBy(calls, ({ item }) => holderOf(item));
        await Promise.all([...groups.values()].map(together));
      };
    },
  };
}

interface InsertionOptions {
  /** The name that the statement is prepared under. */
  readonly name?: string;
  /** What follows on the rows. */
  readonly ending?: string;
  /** Whether what is inserted is taken back at once. */
  readonly rehearsal?: boolean;
}

/**
 * Makes what inserts entities, all in one statement: from JSON, which is the same text for any number of
 * them, or, where the table is distributed, row by row, which Citus sends to the machine of their
 * holder as it is. There they are all of one.
 */
export function createInsertion<Entity extends object>(
  orm: Orm,
  mapping: RowMapping<Entity>,
  { isDistributed }: Pick<ReturnType<typeof createSharing>, "isDistributed">,
  { name, ending = "", rehearsal }: InsertionOptions = {},
) {
  const { table, fields, insertion, toJson, toRow } = mapping;
  const into = `insert into ${table} (${fields.map(({ column }) => column).join(", ")})`;

  return async (
    entities: readonly Entity[],
    calls?: readonly JoinedCall<Entity, never>[],
  ): Promise<readonly Row[]> => {
    if (!(await isDistributed())) {
      const values = [toJson(entities)];
      return await run(orm, { name, text: `${insertion} ${ending}`, values, calls, rehearsal });
    }
    const values: unknown[] = [];
    const rows = entities.map(toRow).map((row) => {
      const bound = fields.map(({ key, columnType }) => `$${values.push(row[key])}::${columnType}`);
      return `(${bound.join(", ")})`;
    });
    const text = `${into} values ${rows.join(", ")} ${ending}`;
    return rows.length === 0 ? [] : await run(orm, { text, values, calls, rehearsal });
  };
}

/**
 * Has Citus spread the tables: those that have the column by its value, the others as a copy on each machine. What
 * it has spread already stays. Answers what it did, a line for each table.
 */
export async function distribute(orm: Orm, column: string): Promise<readonly string[]> {
  const spread = await findSpreadTables(orm);
  const { tableName = "" } = orm.config.getAll().migrations;
  const entities = [...orm.getMetadata().getAll().values()].map((entity) => entity.tableName);
  const lines: string[] = [];
  for (const table of [...new Set([...entities, tableName])]) {
    const [found] = await query(
      orm,
      "select 1 from pg_attribute where attrelid = to_regclass($1) and attname = $2",
      [table, column],
    );
    if (spread.has(table)) {
      lines.push(`${table} has been distributed before`);
    } else if (found !== undefined) {
      await query(orm, "select create_distributed_table($1::regclass, $2)", [table, column]);
      lines.push(`distributed ${table} by ${column}`);
    } else {
      await query(orm, "select create_reference_table($1::regclass)", [table]);
      lines.push(`copied ${table} to every machine`);
    }
  }
  return lines;
}
