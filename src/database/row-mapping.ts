import type { EntityName } from "@mikro-orm/core";
import type { Orm } from "./orm.ts";
import type { Row } from "./query.ts";

/** How an entity's rows look in SQL. */
export interface RowMapping<Entity> {
  readonly table: string;
  readonly columns: readonly string[];
  /** What a statement selects, or returns, for `toEntity`: the columns, named as properties. */
  readonly selection: readonly string[];
  /** @throws Error when the entity has no such property. */
  columnOf(property: string): string;
  /** The entity as a row, which also JSON can hold, without the columns that are null. */
  toRow(entity: Entity): Row;
  toEntity(row: Row): Entity;
}

/** Derives the mapping from the entity's declaration. */
export function createRowMapping<Entity extends object>(
  orm: Orm,
  name: EntityName<Entity>,
): RowMapping<Entity> {
  const platform = orm.driver.getPlatform();
  const { tableName, props } = orm.getMetadata(name);
  const fields = props.map(({ name: key, fieldNames: [column = key], customType: type }) => ({
    key,
    column,
    type,
    toDatabase: (value: unknown) => type?.convertToDatabaseValue(value, platform) ?? value,
    toEntity: (value: unknown) => type?.convertToJSValue(value, platform) ?? value,
  }));
  const converted = fields.filter(({ type }) => type !== undefined);
  return {
    table: tableName,
    columns: fields.map(({ column }) => column),
    selection: fields.map(({ key, column }) => `${column} as "${key}"`),
    columnOf(property) {
      const field = fields.find(({ key }) => key === property);
      if (field === undefined) {
        throw new Error(`The table ${tableName} has no column for ${property}.`);
      }
      return field.column;
    },
    // Both run for each row of each call. A loop that assigns takes a third of the time that
    // `Object.fromEntries` takes; and the names that the selection gives the columns leave to do
    // only what has to be converted.
    toRow(entity) {
      const row: Record<string, unknown> = {};
      for (const { key, column, toDatabase } of fields) {
        const value = toDatabase(entity[key]);
        if (value !== null) {
          row[column] = value;
        }
      }
      return row;
    },
    toEntity(row) {
      const entity: Record<string, unknown> = { ...row };
      for (const { key, toEntity } of converted) {
        entity[key] = toEntity(entity[key]);
      }
      // The properties are exactly those of the selection.
      return entity as Entity;
    },
  };
}
