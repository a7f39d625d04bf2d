import type { EntityName } from "@mikro-orm/core";
import type { Orm } from "./orm.ts";
import type { Row } from "./query.ts";

/** How an entity's rows look in SQL. */
export interface RowMapping<Entity> {
  readonly table: string;
  /** The columns, in the order of `toValues`. */
  readonly columns: readonly string[];
  /** @throws Error when the entity has no such property. */
  columnOf(property: string): string;
  toValues(entity: Entity): unknown[];
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
    toValues: (entity) => fields.map(({ key, toDatabase }) => toDatabase(entity[key])),
    toEntity: (row) =>
      // The entity's properties are exactly these fields.
      Object.fromEntries(
        fields.map(({ key, column, toEntity }) => [key, toEntity(row[column])]),
      ) as Entity,
  };
}
