import type { EntityName, Opt } from "@mikro-orm/core";
import type { Orm } from "./orm.ts";
import type { Row } from "./query.ts";

/** How an entity's rows look in SQL. */
export interface RowMapping<Entity> {
  readonly table: string;
  /** What a statement selects, or returns, for `toEntity`: the columns of all but lazy properties, named as those. */
  readonly selection: string;
  /** The same with the lazy ones: all columns, in the table's order. */
  readonly wholeRow: string;
  /** A statement that inserts what `toJson` makes, bound to $1. */
  readonly insertion: string;
  /** @throws Error when the entity has no such property. */
  columnOf(property: string): string;
  /** What an insert gives a value, and under which key `toRow` has it. */
  readonly fields: readonly Readonly<Record<"key" | "column" | "columnType", string>>[];
  toRow(entity: Entity): Row;
  /** The entities for `insertion`, as JSON, which holds every text unaltered. */
  toJson(entities: readonly Entity[]): string;
  /** Makes an entity of the row, in its place. */
  toEntity(row: Row): Entity;
}

/**
 * What is mapped of an entity: all but what the database gives by a default. What may be undefined is absent where it
 * is not read.
 */
type Mapped<Entity> = {
  [Key in keyof Entity as undefined extends Entity[Key] ? never : Given<Entity, Key>]: Entity[Key];
} & {
  [Key in keyof Entity as undefined extends Entity[Key] ? Given<Entity, Key> : never]?: Entity[Key];
};

type Given<Entity, Key extends keyof Entity> = NonNullable<Entity[Key]> extends Opt ? never : Key;

/** Derives the mapping from the entity's declaration. */
export function createRowMapping<Entity extends object>(
  orm: Orm,
  name: EntityName<Entity>,
): RowMapping<Mapped<Entity>> {
  const platform = orm.driver.getPlatform();
  const { tableName, props } = orm.getMetadata(name);
  const all = props.map(
    ({
      name: key,
      fieldNames: [column = key],
      columnTypes: [columnType = ""],
      customType,
      lazy,
      defaultRaw,
    }) => ({
      ...{ key, column, columnType, customType, lazy, defaultRaw },
    }),
  );
  const fields = all.filter(({ defaultRaw }) => defaultRaw === undefined);
  const select = ({ key, column }: (typeof all)[number]) => `${column} as "${key}"`;
  // The names that SQL gives the columns leave to do only what has to be converted: this runs for
  // each row of each call.
  const converted = fields.flatMap(({ key, customType }) =>
    customType === undefined ? [] : { key, type: customType },
  );

  type Make = (type: (typeof converted)[number]["type"], value: unknown) => unknown;
  const toDatabaseValue: Make = (type, value) => type.convertToDatabaseValue(value, platform);
  const toJsValue: Make = (type, value) => type.convertToJSValue(value, platform);

  /** Puts into each property that has to be converted what is made of it. */
  function convert(row: Record<string, unknown>, make: Make): void {
    // Of a row that has not changed since it was made, two values are one.
    let last: unknown;
    let lastMade: unknown;
    for (const { key, type } of converted) {
      const value = row[key];
      lastMade = value === last ? lastMade : make(type, value);
      last = value;
      row[key] = lastMade;
    }
  }

  function toRow(entity: object): Row {
    const row: Record<string, unknown> = { ...entity };
    convert(row, toDatabaseValue);
    return row;
  }

  return {
    table: tableName,
    selection: all
      .filter(({ lazy }) => lazy !== true)
      .map(select)
      .join(", "),
    wholeRow: all.map(select).join(", "),
    insertion: `insert into ${tableName} (${fields.map(({ column }) => column).join(", ")})
      select ${fields.map(({ key }) => `"${key}"`).join(", ")} from json_to_recordset($1)
      as rows (${fields.map(({ key, columnType }) => `"${key}" ${columnType}`).join(", ")})`,
    ...{ fields, toRow },
    columnOf(property) {
      const field = fields.find(({ key }) => key === property);
      if (field === undefined) {
        throw new Error(`The table ${tableName} has no column for ${property}.`);
      }
      return field.column;
    },
    toJson: (entities) => JSON.stringify(entities.map(toRow)),
    toEntity(row) {
      // Nobody else has the row: it becomes the entity.
      const entity = row as Record<string, unknown>;
      convert(entity, toJsValue);
      // The properties are exactly those of the selection.
      return entity as Mapped<Entity>;
    },
  };
}
