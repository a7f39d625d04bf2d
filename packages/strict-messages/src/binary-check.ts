import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { maxItemsOf, tooManyItems, type Violation } from "./violation.ts";

/** Throws for a message that is not to be decoded. */
export type BinaryCheck = (bytes: Uint8Array) => void;

/**
 * How many records (https://protobuf.dev/programming-guides/encoding/) a message may be made of, those
 * of its parts included. The decoder makes a value of each, and one takes two bytes.
 */
const maxRecords = 20_000;

/**
 * Makes the check that comes before a message in Protobuf's binary form is decoded. It counts the
 * entries of the lists for which the contract has a `max_items`, and stops at the first one too many:
 * the decoder would make a message of each of a million empty entries.
 *
 * It tells nothing else of a message: what is malformed is for the decoder to refuse.
 *
 * @param refuse - makes the error that is thrown
 * @returns undefined for a message of which no list has a greatest length.
 */
export function createBinaryCheck(
  descriptor: DescMessage,
  refuse: (violations: readonly Violation[]) => Error,
): BinaryCheck | undefined {
  const shapes = new Map<DescMessage, Shape>();
  const shape = shapeOf(descriptor, shapes);
  const fields = [...shapes.values()].flatMap((each) => [...each.values()]);
  if (fields.every(({ maxItems }) => maxItems === undefined)) {
    return undefined;
  }
  return (bytes) => {
    const violation = findViolation(bytes, shape);
    if (violation !== undefined) {
      throw refuse([violation]);
    }
  };
}

/** The fields of a message that are messages, or lists with a greatest length, by their numbers. */
type Shape = Map<number, FieldShape>;

interface FieldShape {
  readonly name: string;
  readonly isList: boolean;
  readonly maxItems: number | undefined;
  /** The bytes of an entry in a packed list: some, as its varint has, or not to be packed. */
  readonly packed: 4 | 8 | "varint" | "never";
  readonly message: Shape | undefined;
}

function shapeOf(descriptor: DescMessage, known: Map<DescMessage, Shape>): Shape {
  const found = known.get(descriptor);
  if (found !== undefined) {
    return found;
  }
  const shape: Shape = new Map();
  known.set(descriptor, shape);
  for (const field of descriptor.fields) {
    const isMessage =
      field.fieldKind === "message" || (field.fieldKind === "list" && field.listKind === "message");
    const message = isMessage && !field.delimitedEncoding ? field.message : undefined;
    const maxItems = maxItemsOf(field);
    if (message !== undefined || maxItems !== undefined) {
      shape.set(field.number, {
        name: field.name,
        isList: field.fieldKind === "list",
        maxItems,
        packed: packedForm(field),
        message: message && shapeOf(message, known),
      });
    }
  }
  return shape;
}

function packedForm({ scalar, message }: DescField): FieldShape["packed"] {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return "never";
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
    case ScalarType.FLOAT:
      return 4;
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
    case ScalarType.DOUBLE:
      return 8;
    default:
      return message === undefined ? "varint" : "never";
  }
}

function findViolation(bytes: Uint8Array, shape: Shape): Violation | undefined {
  try {
    return new BinaryScan(bytes).check(shape, "", bytes.byteLength);
  } catch {
    // What is malformed, which the reader throws for, is for the decoder to refuse.
    return undefined;
  }
}

/** What has been counted of a message. */
interface Counts {
  readonly entries: Map<FieldShape, number>;
  /** Of the messages in it. Of those that are no list's the decoder makes one, in however many parts it comes. */
  readonly parts: Map<FieldShape, Counts>;
}

function noCounts(): Counts {
  return { entries: new Map(), parts: new Map() };
}

/** As deep as the decoder reads. */
const maxDepth = 100;

class BinaryScan {
  readonly #bytes: Uint8Array;
  readonly #reader: BinaryReader;
  #records = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new BinaryReader(bytes);
  }

  /** Checks a message that ends where it is said. */
  check(shape: Shape, path: string, end: number, counts = noCounts()): Violation | undefined {
    let groups = 0;
    this.#depth += 1;
    while (this.#reader.pos < end) {
      const [number, type] = this.#reader.tag();
      this.#records += 1;
      if (this.#records > maxRecords) {
        return { field: path, description: `holds over ${maxRecords} values`, reason: "size" };
      }
      if (type === WireType.StartGroup || type === WireType.EndGroup) {
        groups += type === WireType.StartGroup ? 1 : -1;
      } else {
        // Whatever is in a group is unknown.
        const field = groups === 0 ? shape.get(number) : undefined;
        const next = this.#endOf(type);
        if (next > end) {
          throw new Error("The message is malformed.");
        }
        const violation = field && this.#checkField(field, type, counts, path, next);
        if (violation !== undefined) {
          return violation;
        }
        this.#reader.pos = next;
      }
    }
    this.#depth -= 1;
    return undefined;
  }

  #checkField(
    field: FieldShape,
    type: WireType,
    { entries, parts }: Counts,
    path: string,
    end: number,
  ): Violation | undefined {
    const { name, isList, maxItems = Number.POSITIVE_INFINITY, message } = field;
    const length = (entries.get(field) ?? 0) + this.#entries(field, type, end);
    entries.set(field, length);
    const fieldPath = path === "" ? name : `${path}.${name}`;
    if (length > maxItems) {
      return tooManyItems(fieldPath, maxItems);
    }
    if (message === undefined || type !== WireType.LengthDelimited || this.#depth === maxDepth) {
      return undefined;
    }
    if (isList) {
      return this.check(message, `${fieldPath}[${length - 1}]`, end);
    }
    const part = parts.get(field) ?? noCounts();
    parts.set(field, part);
    return this.check(message, fieldPath, end, part);
  }

  /** How many entries a record holds whose value goes from here to its end. */
  #entries({ packed }: FieldShape, type: WireType, end: number): number {
    if (type !== WireType.LengthDelimited || packed === "never") {
      return 1;
    }
    const value = this.#bytes.subarray(this.#reader.pos, end);
    // The last byte of a varint is the one that has not its highest bit set.
    return packed === "varint"
      ? value.reduce((entries, byte) => entries + (byte < 0x80 ? 1 : 0), 0)
      : Math.ceil(value.byteLength / packed);
  }

  /** Where a value ends; goes on to where one that has a length begins. */
  #endOf(type: WireType): number {
    const start = this.#reader.pos;
    if (type === WireType.Bit32 || type === WireType.Bit64) {
      return start + (type === WireType.Bit32 ? 4 : 8);
    }
    const number = this.#reader.uint32();
    const end = this.#reader.pos;
    if (type === WireType.LengthDelimited) {
      return end + number;
    }
    this.#reader.pos = start;
    return end;
  }
}
