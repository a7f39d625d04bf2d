import {
  create,
  createFileRegistry,
  type DescMessage,
  type Message,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import {
  type FieldRules,
  FieldRulesSchema,
  field as fieldOption,
  type MessageRules,
  MessageRulesSchema,
  message as messageOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { HealthCheckRequestSchema } from "@partner-service/health-reflection";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PartnerType } from "../../../gen/partner/v1/partner_pb.ts";
import {
  AcceptInvitationRequestSchema,
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
  DeletePartnerRequestSchema,
  GetPartnerRequestSchema,
  InvitePartnerRequestSchema,
  ListPartnersRequestSchema,
  UpdatePartnerRequestSchema,
} from "../../../gen/partner/v1/partner_service_pb.ts";
import { partnerRequest } from "../../../test/support/requests.ts";
import { createPlainRules } from "../src/plain-rules.ts";

const validator = createValidator();

const admits = (descriptor: DescMessage, message: Message) =>
  createPlainRules(descriptor)?.(message);

const isValid = (descriptor: DescMessage, message: Message) =>
  validator.validate(descriptor, message).kind === "valid";

const id = "0198c2d4-7a11-7c33-9d53-2f4a1c0e8b11";

/** A message with a text of two to five characters, and a number of ten at most. */
function noteWith(rules?: MessageRules): DescMessage {
  const { STRING, INT32 } = FieldDescriptorProto_Type;
  const field = (
    name: string,
    number: number,
    type: FieldDescriptorProto_Type,
    fieldRules: FieldRules,
  ) => {
    const options = create(FieldOptionsSchema);
    setExtension(options, fieldOption, fieldRules);
    return { name, number, type, label: FieldDescriptorProto_Label.OPTIONAL, options };
  };
  const options = create(MessageOptionsSchema);
  if (rules !== undefined) {
    setExtension(options, messageOption, rules);
  }
  const lengths = { minLen: 2n, maxLen: 5n };
  const text = create(FieldRulesSchema, { type: { case: "string", value: lengths } });
  const most = { case: "lte", value: 10 } as const;
  const number = create(FieldRulesSchema, { type: { case: "int32", value: { lessThan: most } } });
  const fields = [field("text", 1, STRING, text), field("number", 2, INT32, number)];
  const file = create(FileDescriptorProtoSchema, {
    ...{ name: "note.proto", package: "notes", syntax: "proto3" },
    messageType: [{ name: "Note", field: fields, options }],
  });
  const note = createFileRegistry(file, () => undefined).getMessage("notes.Note");
  if (note === undefined) {
    throw new Error("There is no such message.");
  }
  return note;
}

describe("Plain rules", () => {
  test.each([
    ["a text and a number at their bounds", { text: "noted", number: 10 }, true],
    ["a text one past it", { text: "noted!", number: 10 }, false],
    ["a number one past it", { text: "noted", number: 11 }, false],
    ["one character in two code units", { text: "👩", number: 1 }, false],
  ])("judge %s as the validator does", (_case, fields, holds) => {
    const message = create(noteWith(), fields);
    expect(admits(noteWith(), message)).toBe(holds);
    expect(isValid(noteWith(), message)).toBe(holds);
  });

  test("are not made for a message with a rule of its own", () => {
    const cel = [{ id: "note", message: "must not be", expression: "false" }];
    expect(createPlainRules(noteWith(create(MessageRulesSchema, { cel })))).toBeUndefined();
  });

  test.each<[string, DescMessage, Record<string, unknown>]>([
    ["the usual request", CreatePartnerRequestSchema, partnerRequest()],
    [
      "texts at their limits",
      CreatePartnerRequestSchema,
      partnerRequest({ city: "x".repeat(100) }),
    ],
    [
      "a supplier",
      CreatePartnerRequestSchema,
      partnerRequest({ partnerType: PartnerType.SUPPLIER }),
    ],
    ["a request_id", CreatePartnerRequestSchema, partnerRequest({ requestId: id })],
    ["an id", GetPartnerRequestSchema, { id }],
    ["an id and an etag", DeletePartnerRequestSchema, { id, etag: "r1" }],
    ["no field at all where none is required", HealthCheckRequestSchema, {}],
    ["the absence of messages that may be absent", ListPartnersRequestSchema, { pageSize: 20 }],
    ["the absence of a duration", InvitePartnerRequestSchema, { id }],
    [
      "as many messages as a list may have",
      BatchCreatePartnersRequestSchema,
      { requests: Array.from({ length: 100 }, () => partnerRequest()) },
    ],
  ])("admit %s", (_case, descriptor, fields) => {
    const message = create(descriptor, fields);
    expect(admits(descriptor, message)).toBe(true);
    expect(isValid(descriptor, message)).toBe(true);
  });

  test.each<[string, DescMessage, Record<string, unknown>]>([
    ["a message", ListPartnersRequestSchema, { filters: {} }],
    ["a duration", InvitePartnerRequestSchema, { id, timeToLive: { seconds: 60n } }],
  ])("leave %s that is there to the validator", (_case, descriptor, fields) => {
    expect(admits(descriptor, create(descriptor, fields))).toBe(false);
  });

  test("are not made for a type that must have a message", () => {
    expect(createPlainRules(UpdatePartnerRequestSchema)).toBeUndefined();
  });

  test.each<[string, Record<string, unknown>[]]>([
    ["no message, where one is required", []],
    ["one message too many", Array.from({ length: 101 }, () => partnerRequest())],
    ["a message that breaks a rule", [partnerRequest(), partnerRequest({ city: "" })]],
  ])("do not admit a list with %s", (_case, requests) => {
    const message = create(BatchCreatePartnersRequestSchema, { requests });
    expect(admits(BatchCreatePartnersRequestSchema, message)).toBe(false);
    expect(isValid(BatchCreatePartnersRequestSchema, message)).toBe(false);
  });

  const lengths = [0, 1, 2, 30, 31, 35, 36, 37, 50, 51, 100, 101, 255, 256, 500, 501, 2000, 2001];
  const texts = fc.oneof(
    fc
      .tuple(fc.constantFrom("x", "é", "e\u0301", "👩", "\0"), fc.constantFrom(...lengths))
      .map(([character, length]) => character.repeat(length)),
    fc.constantFrom("US", "us", "USA", "ÅA", "US\n", id, id.toUpperCase(), `{${id}}`, `${id}\n`),
    fc.constantFrom("a@b", "a@b.c\n", "a b@c", "@b", "a@", "a@b..c", "a@-b", `a@${"b".repeat(64)}`),
    fc.emailAddress(),
    fc.string(),
  );
  const values = fc.oneof(texts, fc.integer(), fc.constantFrom(0, -0, -1, 1, 2, 3, undefined));

  test.each<[DescMessage, Record<string, unknown>]>([
    [CreatePartnerRequestSchema, partnerRequest()],
    [GetPartnerRequestSchema, { id }],
    [DeletePartnerRequestSchema, { id }],
    [AcceptInvitationRequestSchema, { invitationToken: "x".repeat(43) }],
  ])("admit no %s that the validator refuses", (descriptor, fields) => {
    const admit = createPlainRules(descriptor);
    let admitted = 0;
    fc.assert(
      fc.property(fc.constantFrom(...descriptor.fields), values, (field, value) => {
        const good = Reflect.get(create(descriptor, fields), field.localName) ?? "";
        const sameType = typeof value === typeof good || value === undefined;
        const init = { ...fields, [field.localName]: sameType ? value : good };
        const message = create(descriptor, init);
        if (admit?.(message)) {
          admitted += 1;
          expect(isValid(descriptor, message)).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
    expect(admitted).toBeGreaterThan(0);
  });
});
