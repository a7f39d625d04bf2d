import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { type Partner as PartnerMessage, PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  type UpdatePartnerRequest,
} from "../../gen/partner/v1/partner_service_pb.ts";
import type { PartnerChanges } from "./partner-edits.ts";
import { type FieldViolation, fieldsInvalid } from "./partner-error.ts";
import { toStoredType } from "./partner-mapping.ts";

/** The fields that an update may change are those that a create is made from. */
const changeableFields = CreatePartnerRequestSchema.fields.filter(
  ({ name }) => name !== "request_id",
);

/** Finds the rules of the contract that a message breaks. */
export type FindViolations = (
  descriptor: DescMessage,
  message: Message,
) => readonly FieldViolation[];

/**
 * The changes that a request asks for, checked against the rules that CreatePartnerRequest has for
 * the same fields.
 *
 * @throws PartnerError FIELD_INVALID for a path that no update may name, and for a value that
 * breaks a rule.
 */
export function readPartnerChanges(
  { updateMask }: UpdatePartnerRequest,
  partner: PartnerMessage,
  findViolations: FindViolations,
): PartnerChanges {
  const given = reflect(PartnerSchema, partner);
  const sourceOf = (name: string) =>
    given.fields.find((field) => field.name === name && given.isSet(field));
  const paths = updateMask?.paths ?? [];
  const fields =
    paths.length === 0
      ? changeableFields.filter(({ name }) => sourceOf(name) !== undefined)
      : fieldsOfMask(paths);

  // The rules are those of a create; of what it says of the other fields nothing is kept.
  const candidate = create(CreatePartnerRequestSchema);
  const fill = reflect(CreatePartnerRequestSchema, candidate);
  for (const field of fields) {
    const source = sourceOf(field.name);
    if (source !== undefined) {
      fill.set(field, given.get(source));
    }
  }
  const names = new Set(fields.map(({ name }) => name));
  const violations = findViolations(CreatePartnerRequestSchema, candidate);
  const broken = violations.filter(({ field }) => names.has(field));
  if (broken.length > 0) {
    throw fieldsInvalid(
      broken.map((violation) => ({ ...violation, field: `partner.${violation.field}` })),
    );
  }
  const values: Readonly<Record<string, unknown>> = candidate;
  return Object.fromEntries(
    fields.map(({ localName }) => [
      localName,
      localName === "partnerType"
        ? toStoredType(candidate.partnerType)
        : (values[localName] ?? null),
    ]),
  );
}

function fieldsOfMask(paths: readonly string[]) {
  const unknown = paths.flatMap((path, index) =>
    path === "*" || changeableFields.some(({ name }) => name === path)
      ? []
      : [
          {
            field: `update_mask.paths[${index}]`,
            description: `${path} is not a field that an update changes`,
            reason: "field_mask.path",
          },
        ],
  );
  if (unknown.length > 0) {
    throw fieldsInvalid(unknown);
  }
  return paths.includes("*")
    ? changeableFields
    : changeableFields.filter(({ name }) => paths.includes(name));
}
