import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
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
  } catch (failure) {
    if (failure === malformed) {
      return undefined;
    }
    throw failure;
  }
}

const malformed = new Error("The message is malformed.");
/** As deep as the decoder reads. */
const maxDepth = 100;

class BinaryScan {
  readonly #bytes: Uint8Array;
  #position = 0;
  #records = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Checks a message that ends where it is said. */
  check(shape: Shape, path: string, end: number): Violation | undefined {
    const lengths = new Map<FieldShape, number>();
    let groups = 0;
    this.#depth += 1;
    while (this.#position < end) {
      const tag = this.#varint();
      const type = tag % 8;
      // Whatever is in a group is unknown.
      const field = groups === 0 ? shape.get(Math.floor(tag / 8)) : undefined;
      this.#records += 1;
      if (this.#records > maxRecords) {
        return { field: path, description: `holds over ${maxRecords} values`, reason: "size" };
      }
      if (type === WireType.StartGroup || type === WireType.EndGroup) {
        groups += type === WireType.StartGroup ? 1 : -1;
      } else {
        const next = this.#endOf(type);
        if (next > end) {
          throw malformed;
        }
        const violation = field && this.#checkField(field, type, lengths, path, next);
        if (violation !== undefined) {
          return violation;
        }
        this.#position = next;
      }
    }
    this.#depth -= 1;
    return undefined;
  }

  #checkField(
    field: FieldShape,
    type: number,
    lengths: Map<FieldShape, number>,
    path: string,
    end: number,
  ): Violation | undefined {
    const { name, isList, maxItems = Number.POSITIVE_INFINITY, message } = field;
    const length = (lengths.get(field) ?? 0) + this.#entries(field, type, end);
    lengths.set(field, length);
    const fieldPath = path === "" ? name : `${path}.${name}`;
    if (length > maxItems) {
      return tooManyItems(fieldPath, maxItems);
    }
    return message !== undefined && type === WireType.LengthDelimited && this.#depth < maxDepth
      ? this.check(message, isList ? `${fieldPath}[${length - 1}]` : fieldPath, end)
      : undefined;
  }

  /** How many entries a record holds whose value goes from here to its end. */
  #entries({ packed }: FieldShape, type: number, end: number): number {
    if (type !== WireType.LengthDelimited || packed === "never") {
      return 1;
    }
    if (packed !== "varint") {
      return Math.ceil((end - this.#position) / packed);
    }
    // The last byte of a varint is the one that has not its highest bit set.
    let entries = 0;
    for (let position = this.#position; position < end; position++) {
      entries += (this.#bytes[position] ?? 0) < 0x80 ? 1 : 0;
    }
    return entries;
  }

  /** Where a value ends, given its wire type; goes on to where one that has a length begins. */
  #endOf(type: number): number {
    switch (type) {
      case WireType.Varint: {
        const start = this.#position;
        this.#varint();
        const end = this.#position;
        this.#position = start;
        return end;
      }
      case WireType.Bit64:
        return this.#position + 8;
      case WireType.LengthDelimited: {
        const length = this.#varint();
        return this.#position + length;
      }
      case WireType.Bit32:
        return this.#position + 4;
      default:
        throw malformed;
    }
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 70; factor *= 128) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined) {
        throw malformed;
      }
      this.#position += 1;
      value += (byte % 128) * factor;
      if (byte < 128) {
        return value;
      }
    }
    throw malformed;
  }
}
