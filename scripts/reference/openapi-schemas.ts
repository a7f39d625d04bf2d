import type { DescMessage, DescMethod, JsonObject } from "@bufbuild/protobuf";
import { type Direction, messageSchema } from "./json-schema.ts";

/** Makes a reference to the schema of a message. */
export type Refer = (message: DescMessage, direction: Direction) => JsonObject;

/** The schemas of messages: whatever is referred to is among them. */
export interface Schemas {
  readonly refer: Refer;
  /** All that was referred to, by name. */
  all(): Record<string, JsonObject>;
}

/**
 * A message that both requests, or details of errors, and responses carry has two schemas, for it must
 * hold other things on either way; the one of the response has the plain name.
 */
export function createSchemas(methods: readonly DescMethod[]): Schemas {
  const inResponses = reach(methods.map(({ output }) => output));
  const schemas = new Map<string, JsonObject>();
  const sources = new Map<string, string>();

  function refer(message: DescMessage, direction: Direction): JsonObject {
    const both = direction !== "response" && inResponses.has(message);
    const name = both ? `${message.name}${suffixes[direction]}` : message.name;
    const source = `${message.typeName} ${direction}`;
    if (!sources.has(name)) {
      sources.set(name, source);
      schemas.set(
        name,
        messageSchema(message, direction, (part) => refer(part, direction)),
      );
    } else if (sources.get(name) !== source) {
      throw new Error(`${source} and ${sources.get(name)} have one name.`);
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  return { refer, all: () => Object.fromEntries(schemas) };
}

/** What the name of a schema ends with whose message travels in an answer, too. */
const suffixes = { request: "Input", detail: "Detail" } as const;

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
