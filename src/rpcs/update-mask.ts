import { type DescField, getOption } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { type Partner as PartnerMessage, PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  type UpdatePartnerRequest,
} from "../../gen/partner/v1/partner_service_pb.ts";
import type { PartnerChanges } from "../partners/partner-edits.ts";
import { fieldsInvalid, violation } from "../partners/partner-error.ts";
import { toStoredType } from "./partner-mapping.ts";

/** The fields that an update may change are those that a create is made from. */
const createFields = new Map(CreatePartnerRequestSchema.fields.map((field) => [field.name, field]));
const changeableFields = PartnerSchema.fields.filter(({ name }) => createFields.has(name));

/**
 * The changes that a validated request asks for.
 *
 * @throws PartnerError FIELD_INVALID for a path that is no field of a partner, and for a field that
 * would be cleared and that a create requires.
 */
export function readPartnerChanges(
  { updateMask }: UpdatePartnerRequest,
  partner: PartnerMessage,
): PartnerChanges {
  const given = reflect(PartnerSchema, partner);
  const paths = updateMask?.paths ?? [];
  const fields =
    paths.length === 0
      ? changeableFields.filter((field) => given.isSet(field))
      : fieldsOfMask(paths);
  const missing = fields.filter((field) => !given.isSet(field) && isRequired(field));
  if (missing.length > 0) {
    throw fieldsInvalid(
      missing.map(({ name }) => violation(`partner.${name}`, "value is required", "required")),
    );
  }
  const values: Readonly<Record<string, unknown>> = { ...partner };
  return Object.fromEntries(
    fields.map(({ localName }) => [
      localName,
      localName === "partnerType" ? toStoredType(partner.partnerType) : (values[localName] ?? null),
    ]),
  );
}

function isRequired({ name }: DescField): boolean {
  const field = createFields.get(name);
  return field !== undefined && getOption(field, fieldOption).required;
}

/** What a mask may name: `*`, and each field of a partner. Those that no caller sets are ignored (AIP-203). */
const knownPaths = new Set(["*", ...PartnerSchema.fields.map(({ name }) => name)]);

function fieldsOfMask(paths: readonly string[]) {
  const unknown = paths.flatMap((path, index) => {
    const field = `update_mask.paths[${index}]`;
    const description = `${path} is not a field of a partner`;
    return knownPaths.has(path) ? [] : violation(field, description, "field_mask.path");
  });
  if (unknown.length > 0) {
    throw fieldsInvalid(unknown);
  }
  return paths.includes("*")
    ? changeableFields
    : changeableFields.filter(({ name }) => paths.includes(name));
}
