import {
  countConnections,
  DatabaseError,
  type Orm,
  query,
} from "@partner-service/postgres-statements";
import { StartError } from "@partner-service/settings";

const name = "partner_search_index";

/** What the index is made with; both come with PostgreSQL, in its contrib modules. */
const extensions = ["pg_trgm", "btree_gin"];

/**
 * Makes the index by which PostgreSQL finds texts in a large book, where it is not there yet; it is no
 * migration, since every create pays for it and few books are so large. Partners can be written
 * meanwhile. Answers what it did.
 *
 * @throws StartError where the extensions are not to be had
 * @throws DatabaseUnavailableError
 */
export async function createSearchIndex(orm: Orm): Promise<string> {
  if ((await countConnections(orm)) === undefined) {
    return `the sandbox goes without ${name}: its database has no ${extensions.join(" and ")}`;
  }
  const sql = "select indisvalid from pg_index where indexrelid = to_regclass($1)";
  const [found] = await query(orm, sql, [name]);
  if (found?.indisvalid === true) {
    return `${name} is there already`;
  }
  for (const extension of extensions) {
    try {
      await query(orm, `create extension if not exists ${extension}`, []);
    } catch (failure) {
      throw failure instanceof DatabaseError
        ? new StartError(
            `--with search needs the extension ${extension}; have one who may run: create extension ` +
              `${extension}. The database refuses it to the role of DATABASE_URL: ${failure.message}`,
            { cause: failure },
          )
        : failure;
    }
  }
  if (found !== undefined) {
    // What a creation leaves that was cut short.
    await query(orm, `drop index concurrently ${name}`, []);
  }
  await query(
    orm,
    `create index concurrently ${name} on partner
      using gin (organization_id, company_name gin_trgm_ops, email gin_trgm_ops)
      where deleted_at is null`,
    [],
  );
  return `created ${name}`;
}
