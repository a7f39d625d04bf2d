import type { DescEnum, DescMessage, DescMethod, JsonObject } from "@bufbuild/protobuf";
import { type Direction, enumSchema, messageSchema } from "./json-schema.ts";
import { standardSchemas } from "./standard-schemas.ts";

/** Makes a reference to the schema of a message or an enum. */
export type Refer = (type: DescMessage | DescEnum, direction: Direction) => JsonObject;

/** The schemas of messages and enums: whatever is referred to is among them. */
export interface Schemas {
  readonly refer: Refer;
  /** All that was referred to, by name. */
  all(): Record<string, JsonObject>;
}

/**
 * A message that both requests and responses carry has two schemas, for it must hold other things on
 * either way; the one of the response has the plain name.
 */
export function createSchemas(methods: readonly DescMethod[]): Schemas {
  const inResponses = reach(methods.map(({ output }) => output));
  const schemas = new Map<string, JsonObject>();
  const sources = new Map<string, string>();

  function refer(type: DescMessage | DescEnum, direction: Direction): JsonObject {
    const both = type.kind === "message" && direction !== "response" && inResponses.has(type);
    const name = both ? `${type.name}Input` : type.name;
    const source = type.kind === "enum" || both ? type.typeName : `${type.typeName} ${direction}`;
    if (!sources.has(name)) {
      sources.set(name, source);
      schemas.set(name, schemaOf(type, both ? "sent back" : direction));
    } else if (sources.get(name) !== source) {
      throw new Error(`${source} and ${sources.get(name)} have one name.`);
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  function schemaOf(type: DescMessage | DescEnum, direction: Direction): JsonObject {
    if (type.kind === "enum") {
      return enumSchema(type);
    }
    return (
      standardSchemas.get(type.typeName) ??
      messageSchema(type, direction, (part) => refer(part, direction))
    );
  }

  return { refer, all: () => Object.fromEntries(schemas) };
}

/** The messages, and all that they hold. */
function reach(
  messages: readonly DescMessage[],
  found = new Set<DescMessage>(),
): ReadonlySet<DescMessage> {
  for (const message of messages.filter((candidate) => !found.has(candidate))) {
    found.add(message);
    reach(
      message.fields.flatMap((field) => field.message ?? []),
      found,
    );
  }
  return found;
}
