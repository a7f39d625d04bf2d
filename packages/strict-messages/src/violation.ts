import { type DescField, getOption } from "@bufbuild/protobuf";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** What is wrong with a field of a message that cannot be decoded, or is not worth it. */
export interface Violation {
  /** The field's path, in the contract's spelling: `requests[1].sales_amount`. */
  readonly field: string;
  /** A sentence's end: `is unknown - did you mean etag?` */
  readonly description: string;
  /** The id of the rule that is broken: `repeated.max_items`. */
  readonly reason: string;
}

/** The greatest number of entries that the contract lets a list have; undefined: any. */
export function maxItemsOf(field: DescField): number | undefined {
  const { type } = getOption(field, fieldOption);
  const maxItems = type.case === "repeated" ? Number(type.value.maxItems) : 0;
  return field.fieldKind === "list" && maxItems > 0 ? maxItems : undefined;
}

/** The least number that the contract lets a field hold; undefined: any. */
export function leastOf(field: DescField): number | undefined {
  const { type } = getOption(field, fieldOption);
  return type.case === "int32" && type.value.greaterThan.case === "gte"
    ? type.value.greaterThan.value
    : undefined;
}

export function tooManyItems(field: string, maxItems: number): Violation {
  const description = `must hold at most ${maxItems} entries`;
  return { field, description, reason: "repeated.max_items" };
}
