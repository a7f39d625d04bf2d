import { type DescField, type DescMessage, getOption, type Message } from "@bufbuild/protobuf";
import {
  isReflectMessage,
  type Path,
  type ReflectMessage,
  reflect,
} from "@bufbuild/protobuf/reflect";
import { Violation } from "@bufbuild/protovalidate";
import {
  FieldRulesSchema,
  field as fieldOption,
  MapRulesSchema,
  RepeatedRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** Finds the lists and maps in a message, at any depth, that are longer than their rules let them be. */
export type ListLimits = (message: Message) => Violation[];

/**
 * Makes the check that comes before all others: the validator judges each entry of a list even where
 * there are too many, and a message of a megabyte may hold a million of them, with a dozen violations
 * each. A list that is too long is not looked into.
 */
export function createListLimits(descriptor: DescMessage): ListLimits {
  const holders = new Map<DescMessage, boolean>();
  return holdsLimits(descriptor, holders)
    ? (message) => findOverlong(reflect(descriptor, message), [], holders)
    : () => [];
}

/** The greatest length of a list or a map, with where the rule stands; undefined without a limit. */
function readLimit(field: DescField) {
  const { type } = getOption(field, fieldOption);
  const { repeated, map } = FieldRulesSchema.field;
  if (type.case === "repeated" && type.value.maxItems > 0n) {
    return { limit: type.value.maxItems, rule: [repeated, RepeatedRulesSchema.field.maxItems] };
  }
  if (type.case === "map" && type.value.maxPairs > 0n) {
    return { limit: type.value.maxPairs, rule: [map, MapRulesSchema.field.maxPairs] };
  }
  return undefined;
}

/** Whether messages of the type have limits, or hold messages that do. A type may hold itself. */
function holdsLimits(descriptor: DescMessage, holders: Map<DescMessage, boolean>): boolean {
  const known = holders.get(descriptor);
  if (known !== undefined) {
    return known;
  }
  holders.set(descriptor, false);
  const holds = descriptor.fields
    .map((field) => {
      const nested = field.message !== undefined && holdsLimits(field.message, holders);
      return nested || readLimit(field) !== undefined;
    })
    .includes(true);
  holders.set(descriptor, holds);
  return holds;
}

function findOverlong(
  message: ReflectMessage,
  path: Path,
  holders: ReadonlyMap<DescMessage, boolean>,
): Violation[] {
  return message.fields.flatMap((field) => {
    if (field.fieldKind === "scalar" || field.fieldKind === "enum" || !message.isSet(field)) {
      return [];
    }
    const here = [...path, field];
    const nested = field.message !== undefined && holders.get(field.message) === true;
    if (field.fieldKind === "message") {
      return nested ? findOverlong(message.get(field), here, holders) : [];
    }
    const entries = message.get(field);
    const { limit = Infinity, rule = [] } = readLimit(field) ?? {};
    if (entries.size > limit) {
      const id = rule.map(({ name }) => name).join(".");
      return new Violation(`must contain no more than ${limit}`, id, here, rule, false);
    }
    return nested
      ? [...entries.entries()].flatMap(([key, entry]) =>
          isReflectMessage(entry)
            ? findOverlong(entry, [...here, toPathPart(field.fieldKind, key)], holders)
            : [],
        )
      : [];
  });
}

function toPathPart(kind: "list" | "map", key: unknown): Path[number] {
  return kind === "list"
    ? { kind: "list_sub", index: Number(key) }
    : // Which of them a map has, its reflection does not say in types.
      { kind: "map_sub", key: key as string | number | bigint | boolean };
}
