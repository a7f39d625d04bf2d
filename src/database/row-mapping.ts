import type { EntityName } from "@mikro-orm/core";
import type { Orm } from "./orm.ts";
import type { Row } from "./query.ts";

/** How an entity's rows look in SQL. */
export interface RowMapping<Entity> {
  readonly table: string;
  readonly columns: readonly string[];
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
    toDatabase: (value: unknown) => type?.convertToDatabaseValue(value, platform) ?? value,
    toEntity: (value: unknown) => type?.convertToJSValue(value, platform) ?? value,
  }));
  return {
    table: tableName,
    columns: fields.map(({ column }) => column),
    columnOf(property) {
      const field = fields.find(({ key }) => key === property);
      if (field === undefined) {
        throw new Error(`The table ${tableName} has no column for ${property}.`);
      }
      return field.column;
    },
    // Both run for each row of each call: a loop that assigns takes a third of the time that
    // `Object.fromEntries` takes.
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
      const entity: Record<string, unknown> = {};
      for (const { key, column, toEntity } of fields) {
        entity[key] = toEntity(row[column]);
      }
      // The entity's properties are exactly these fields.
      return entity as Entity;
    },
  };
}
