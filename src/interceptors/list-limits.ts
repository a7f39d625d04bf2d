import { type DescMessage, getOption, type Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { FieldViolation } from "../partners/partner-error.ts";

/** Finds the lists of a message that are longer than the contract lets them be. */
export type ListLimits = (descriptor: DescMessage, message: Message) => FieldViolation[];

/**
 * Makes the check that comes before all others: the validator judges each entry of a list even where
 * there are too many, and a message of the greatest size may hold a million of them, with a dozen
 * violations each.
 */
export function createListLimits(descriptors: readonly DescMessage[]): ListLimits {
  const limits = new Map(descriptors.map((descriptor) => [descriptor, readLimits(descriptor)]));
  return (descriptor, message) => {
    const listLimits = limits.get(descriptor) ?? [];
    if (listLimits.length === 0) {
      return [];
    }
    const fields = reflect(descriptor, message);
    return listLimits.flatMap(({ list, maxItems }) =>
      fields.get(list).size > maxItems
        ? {
            field: list.name,
            description: `must hold at most ${maxItems} entries`,
            reason: "repeated.max_items",
          }
        : [],
    );
  };
}

/** The greatest lengths of the lists that stand in the message itself. */
function readLimits({ fields }: DescMessage) {
  return fields.flatMap((field) => {
    if (field.fieldKind !== "list") {
      return [];
    }
    const { type } = getOption(field, fieldOption);
    const maxItems = type.case === "repeated" ? Number(type.value.maxItems) : 0;
    return maxItems === 0 ? [] : { list: field, maxItems };
  });
}
