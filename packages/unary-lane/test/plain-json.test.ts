import {
  create,
  type DescMessage,
  fromJsonString,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPlainJsonReader } from "../src/plain-json-reader.ts";
import { createPlainJsonWriter } from "../src/plain-json-writer.ts";
import {
  choiceSchema,
  flagSchema,
  lastingSchema,
  noteSchema,
  pageSchema,
} from "./support/notes.ts";

/** What Protobuf's own reader makes of the text, as the service has it read. */
const readByProtobuf = (descriptor: DescMessage, text: string) =>
  fromJsonString(descriptor, text, { ignoreUnknownFields: true });

/** As the contract of the messages has it. */
const maxItemsOf = () => 3;

function reads(descriptor: DescMessage, text: string): Message | undefined {
  const read = createPlainJsonReader(descriptor, maxItemsOf);
  if (read === undefined) {
    throw new Error(`${descriptor} has no plain reader.`);
  }
  return read(text);
}

const request = { text: "東京 👩‍🔧 \u2028", count: 150_000, kind: "KIND_SHORT", secondText: "a" };

const texts = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "",
    '"',
    "\\",
    "\u0000\u001f\u007f",
    "\u2028",
    "\ud800",
    "\udfff\ud83d",
    "👩‍🔧",
    "e\u0301",
    "ﷺ",
  ),
);

const timestamps = fc
  .record({
    seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
    nanos: fc.oneof(
      fc.constantFrom(0, 1, 999_999_999, 120_000_000, 123_456_000, 1000, 1_000_000),
      fc.integer({ min: 0, max: 999_999_999 }),
    ),
  })
  .map((init) => create(TimestampSchema, init));

const notes = fc
  .record(
    {
      text: texts,
      count: fc.integer(),
      kind: fc.integer({ min: 0, max: 9 }),
      secondText: texts,
    },
    { requiredKeys: [] },
  )
  .map((fields) => Object.assign(create(noteSchema), fields));

/** A field with presence is there only where it is set. */
const pages = fc
  .record(
    {
      notes: fc.array(notes, { maxLength: 3 }),
      createdAt: timestamps,
      totalSize: fc.integer(),
      first: notes,
    },
    { requiredKeys: [] },
  )
  .map((fields) => Object.assign(create(pageSchema), fields));

describe("Plain JSON", () => {
  test.each<[string, DescMessage, string]>([
    ["as clients write it", noteSchema, JSON.stringify(request)],
    ["with spaces", noteSchema, JSON.stringify(request, null, 2)],
    ["in another order", noteSchema, '{"text":"Albany","secondText":""}'],
    ["with colons and braces in texts", noteSchema, '{"text":"{a:,b}"}'],
    ["that is empty", noteSchema, " {} "],
    ["of numbers in other forms", noteSchema, '{"count":1.5e1}'],
    ["of the greatest number", noteSchema, '{"count":2147483647}'],
    ["of the least number", noteSchema, '{"count":-2147483648}'],
    ["of minus zero", noteSchema, '{"count":-0}'],
    ["of booleans", flagSchema, '{"set":true}'],
    ["of a list of messages", pageSchema, JSON.stringify({ totalSize: 1, notes: [request, {}] })],
    ["of an empty list", pageSchema, '{"notes":[]}'],
    ["of a list as long as may be", pageSchema, '{"notes":[{},{},{}]}'],
    ["of a message whose other fields are absent", pageSchema, "{}"],
  ])("%s is read as Protobuf reads it", (_case, descriptor, text) => {
    const message = reads(descriptor, text);
    expect(message).toBeDefined();
    expect(message).toEqual(readByProtobuf(descriptor, text));
  });

  test.each([
    ["a name that is there twice", '{"text":"Albany","text":"Albany"}'],
    ["a field by both of its names", '{"secondText":"a","second_text":"b"}'],
    ["a name in snake_case", '{"second_text":"Example"}'],
    ["an unknown name", '{"text":"Albany","nonsense":1}'],
    ["a name that all objects have", '{"constructor":"Albany"}'],
    ["__proto__", '{"__proto__":{"text":"Albany"}}'],
    ["the message's own name", '{"$typeName":"notes.v1.Note"}'],
    ["an escape in a text", '{"text":"Al\\u0062any"}'],
    ["an escape in a name", '{"tex\\u0074":"Albany"}'],
    ["null", '{"text":null}'],
    ["a number as a text", '{"count":"15"}'],
    ["a number that is too great", '{"count":2147483648}'],
    ["a number that is too small", '{"count":-2147483649}'],
    ["a fraction", '{"count":1.5}'],
    ["an enum by its number", '{"kind":1}'],
    ["an unknown enum", '{"kind":"KIND_NONSENSE"}'],
    ["a text that is a number", '{"text":1}'],
    ["a text that is a list", '{"text":["Albany"]}'],
    ["a list", "[]"],
    ["null by itself", "null"],
    ["a text by itself", '"Albany"'],
  ])("leaves %s to Protobuf's reader", (_case, text) => {
    expect(reads(noteSchema, text)).toBeUndefined();
  });

  test.each([
    ["a list that is longer", '{"notes":[{},{},{},{}]}'],
    ["what is no list", '{"notes":{"text":"Albany"}}'],
    ["an entry that is not plain", '{"notes":[{"text":"Albany"},{"text":null}]}'],
    ["an entry with a name that is there twice", '{"notes":[{"text":"a","text":"b"}]}'],
    ["an entry that is no message", '{"notes":[[]]}'],
    ["a list that is there twice", '{"notes":[],"notes":[{}]}'],
    ["a message in a message", '{"first":{"text":"Albany"}}'],
    ["a type of Protobuf's own", '{"createdAt":"2024-01-10T12:00:00Z"}'],
  ])("leaves %s to Protobuf's reader", (_case, text) => {
    expect(reads(pageSchema, text)).toBeUndefined();
  });

  test("of a thousand objects and more is left to who refuses it before it is parsed", () => {
    const notes = (length: number) => `{"notes":[${Array(length).fill("{}").join()}]}`;
    const read = createPlainJsonReader(pageSchema, () => Number.POSITIVE_INFINITY);
    expect(read?.(notes(999))).toMatchObject({ notes: { length: 999 } });
    expect(read?.(notes(1000))).toBeUndefined();
  });

  test("leaves lists that may have any length to Protobuf's reader", () => {
    expect(createPlainJsonReader(pageSchema)?.('{"notes":[{}]}')).toBeUndefined();
  });

  test("has lists of its own for each message", () => {
    const [one, other] = [reads(pageSchema, "{}"), reads(pageSchema, "{}")];
    expect(one).toHaveProperty("notes", []);
    expect(Reflect.get(one ?? {}, "notes")).not.toBe(Reflect.get(other ?? {}, "notes"));
  });

  test("is not read for messages with a oneof", () => {
    expect(createPlainJsonReader(choiceSchema)).toBeUndefined();
  });

  test("has the outcome of Protobuf's reader for whatever it reads", () => {
    const names = fc.constantFrom(
      ...["secondText", "second_text", "count", "kind", "text"],
      ...["nonsense", "__proto__", "toString"],
    );
    const values = fc.oneof(
      texts,
      fc.integer(),
      fc.double(),
      fc.constantFrom("KIND_SHORT", "KIND_UNSPECIFIED", null, true, [], {}),
    );
    const members = fc.array(fc.tuple(names, values), { maxLength: 5 });
    let read = 0;
    fc.assert(
      fc.property(members, (pairs) => {
        const text = `{${pairs.map((pair) => pair.map((each) => JSON.stringify(each)).join(":")).join()}}`;
        const message = reads(noteSchema, text);
        if (message !== undefined) {
          read += 1;
          expect(message).toEqual(readByProtobuf(noteSchema, text));
        }
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test("is written as Protobuf writes it", () => {
    const options = { alwaysEmitImplicit: true };
    const write = createPlainJsonWriter(pageSchema);
    fc.assert(
      fc.property(pages, (page) => {
        expect(write?.(page)).toBe(toJsonString(pageSchema, page, options));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["before the year 1", { seconds: -62_135_596_801n }],
    ["after the year 9999", { seconds: 253_402_300_800n }],
    ["with a negative fraction", { nanos: -1 }],
    ["with a fraction of a whole second", { nanos: 1_000_000_000 }],
  ])("has no timestamp %s, as Protobuf has none", (_case, init) => {
    const message = Object.assign(create(pageSchema), {
      createdAt: create(TimestampSchema, init),
    });
    expect(() => createPlainJsonWriter(pageSchema)?.(message)).toThrow(
      "cannot encode message google.protobuf.Timestamp to JSON",
    );
  });

  test.each<[string, DescMessage]>([
    ["a type of Protobuf's own", lastingSchema],
    ["a oneof", choiceSchema],
  ])("is not written for messages with %s", (_case, descriptor) => {
    expect(createPlainJsonWriter(descriptor)).toBeUndefined();
  });
});
