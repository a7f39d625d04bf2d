import type { DescEnum, EnumShape } from "@bufbuild/protobuf";

/**
 * The name of an enum's value, as TypeScript has it: `nameOf(PartnerTypeSchema, partner.partnerType)` is
 * `CUSTOMER`; undefined for a value that this contract does not have.
 */
export function nameOf<Desc extends DescEnum>(
  { value }: Desc,
  number: EnumShape<Desc>,
): string | undefined {
  return value[number]?.localName;
}
