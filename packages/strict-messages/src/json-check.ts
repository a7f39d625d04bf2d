import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  ScalarType,
} from "@bufbuild/protobuf";
import { suggest } from "./suggestion.ts";
import { leastOf, maxItemsOf, tooManyItems, type Violation } from "./violation.ts";

/** What becomes of fields and enum values whose names the contract does not know. */
export type UnknownNames = "refuse" | "ignore";

/** Answers what is wrong with a message in JSON; undefined for one that may be decoded. */
export type JsonCheck = (text: string) => JsonFindings | undefined;

interface JsonFindings {
  /** 1,000 at most, in the order of the text. */
  readonly violations: readonly Violation[];
  /**
   * The text with nothing, or with what counts as nothing, in place of each value that cannot be decoded,
   * so that the others can be judged. Undefined where it has not been looked at to its end.
   */
  readonly mended: string | undefined;
  /** The paths of the values that are left out of it. */
  readonly leftOut: readonly string[];
}

const maxViolations = 1000;
/** For how many of them is looked what was meant: it takes longer than all else. */
const maxHints = 25;
/** How deep messages, and how many objects and lists of unknown fields, are gone into. */
const maxDepth = 100;
const maxUnknownParts = 1000;
/** How much of what a caller has sent is repeated to it. */
const maxEcho = 64;

/**
 * Makes the check that comes before a message in JSON is decoded
 * (https://protobuf.dev/programming-guides/json/). It walks the text with the descriptor, makes
 * nothing of it, and ends at the first list that is longer than the contract's `max_items`. It finds all
 * of the following, each with its full path:
 *
 * - names of fields and of enum values that the contract does not have, if they are to be refused;
 * - values that are not of their field's type. Protobuf-ES reads any text as a number that
 *   JavaScript does, such as `"0x10"`; Protobuf's numbers are those of JSON.
 *
 * What is no JSON is for the decoder to refuse.
 */
export function createJsonCheck(descriptor: DescMessage, unknownNames: UnknownNames): JsonCheck {
  const shape = shapeOf(descriptor, new Map());
  return (text) => {
    const scan = new JsonScan(text, unknownNames);
    try {
      scan.message(shape, "");
    } catch (failure) {
      if (failure === noJson) {
        return undefined;
      }
      if (failure !== enough) {
        throw failure;
      }
      return { violations: scan.violations, mended: undefined, leftOut: [] };
    }
    return scan.violations.length === 0 ? undefined : scan.findings();
  };
}

interface Shape {
  /** By each of its names. */
  readonly fields: Map<string, FieldShape>;
  readonly jsonNames: readonly string[];
}

interface FieldShape {
  readonly name: string;
  readonly kind: "single" | "list" | "map";
  readonly maxItems: number;
  readonly value: Value;
}

/** What a value must be, and what is wrong with it; undefined: nothing. */
type Check = (token: string) => string | undefined;

type Value =
  | { readonly kind: "message"; readonly shape: Shape }
  | { readonly kind: "enum"; readonly descriptor: DescEnum; readonly names: ReadonlySet<string> }
  | { readonly kind: "scalar"; readonly check: Check; readonly zero: string }
  /** Has a form of its own, which may hold anything. */
  | { readonly kind: "any" };

function shapeOf(descriptor: DescMessage, known: Map<DescMessage, Shape>): Shape {
  const found = known.get(descriptor);
  if (found !== undefined) {
    return found;
  }
  const jsonNames = descriptor.fields.map(({ jsonName }) => jsonName);
  const shape: Shape = { fields: new Map(), jsonNames };
  known.set(descriptor, shape);
  for (const field of descriptor.fields) {
    const { name, jsonName, fieldKind } = field;
    const kind = fieldKind === "list" || fieldKind === "map" ? fieldKind : "single";
    const maxItems = maxItemsOf(field) ?? Number.POSITIVE_INFINITY;
    const fieldShape = { name, kind, maxItems, value: valueShape(field, known) } as const;
    shape.fields.set(name, fieldShape).set(jsonName, fieldShape);
  }
  return shape;
}

function valueShape(field: DescField, known: Map<DescMessage, Shape>): Value {
  if (field.enum !== undefined) {
    const descriptor = field.enum;
    const names = new Set(descriptor.values.flatMap(({ name, jsonName }) => [name, jsonName]));
    return descriptor.typeName === "google.protobuf.NullValue"
      ? { kind: "any" }
      : { kind: "enum", descriptor, names };
  }
  if (field.message !== undefined) {
    const { message } = field;
    const text = textualTypes.get(message.typeName);
    if (text !== undefined) {
      return { kind: "scalar", check: textCheck(message, text), zero: "null" };
    }
    return message.typeName.startsWith("google.protobuf.")
      ? { kind: "any" }
      : { kind: "message", shape: shapeOf(message, known) };
  }
  const { scalar } = field;
  return { kind: "scalar", check: scalarCheck(scalar, leastOf(field)), zero: zeroOf(scalar) };
}

/** What is wanted of Protobuf's own types whose JSON is a text. */
const textualTypes: ReadonlyMap<string, string> = new Map([
  ["google.protobuf.Timestamp", 'a time such as "2024-01-10T12:00:00.123456Z"'],
  ["google.protobuf.Duration", 'a duration in seconds such as "3600s"'],
  ["google.protobuf.FieldMask", 'names of fields such as "city"'],
]);

function textCheck(descriptor: DescMessage, wanted: string): Check {
  return (token) => {
    try {
      fromJson(descriptor, JSON.parse(token));
      return undefined;
    } catch {
      return `must be ${wanted}`;
    }
  };
}

/** The value of an entry that counts as none. */
function zeroOf(scalar: ScalarType): string {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return '""';
    case ScalarType.BOOL:
      return "false";
    default:
      return "0";
  }
}

/** @param least what the rules want of a number at least */
function scalarCheck(scalar: ScalarType, least: number | undefined): Check {
  switch (scalar) {
    case ScalarType.STRING:
      return (token) => {
        if (!isText(token)) {
          return "must be a string";
        }
        // Only an escape makes a surrogate without its pair.
        return token.includes("\\") && !String(JSON.parse(token)).isWellFormed()
          ? "must be Unicode"
          : undefined;
      };
    case ScalarType.BYTES:
      return (token) => (isText(token) ? undefined : "must be a string of base64");
    case ScalarType.BOOL:
      return (token) =>
        token === "true" || token === "false" ? undefined : "must be true or false";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (token) =>
        ['"NaN"', '"Infinity"', '"-Infinity"'].includes(token) || number.test(unquote(token))
          ? undefined
          : "must be a number";
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integerCheck(-(2 ** 31), 2 ** 31 - 1, least);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerCheck(0, 2 ** 32 - 1);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      // The decoder knows their range.
      return (token) => (number.test(unquote(token)) ? undefined : "must be a whole number");
  }
}

/** A number as JSON has it (RFC 8259, section 6), which is what Protobuf reads in a text, too. */
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** @param wanted the least that is of use, where the rules want more than the type does */
function integerCheck(min: number, max: number, wanted = min): Check {
  return (token) => {
    const digits = unquote(token);
    const value = number.test(digits) ? Number(digits) : Number.NaN;
    return Number.isInteger(value) && value >= min && value <= max
      ? undefined
      : `must be a whole number from ${wanted} to ${max}`;
  };
}

function isText(token: string): boolean {
  return token.startsWith('"');
}

function unquote(token: string): string {
  return isText(token) ? token.slice(1, -1) : token;
}

/** Ends a scan: of what is no JSON, and of what has been found wrong enough. */
const noJson = new Error("The text is no JSON.");
const enough = new Error("The message is refused.");

const whitespace = /[ \t\r\n]*/y;
/** The rest of a number, or of true, false and null. */
const word = /[\w+.-]+/y;

class JsonScan {
  readonly violations: Violation[] = [];
  readonly #leftOut: { path: string; start: number; end: number; instead: string }[] = [];
  readonly #text: string;
  readonly #unknownNames: UnknownNames;
  #position = 0;
  #depth = 0;
  #unknownParts = 0;

  constructor(text: string, unknownNames: UnknownNames) {
    this.#text = text;
    this.#unknownNames = unknownNames;
  }

  findings(): JsonFindings {
    let mended = "";
    let from = 0;
    for (const { start, end, instead } of this.#leftOut) {
      mended += this.#text.slice(from, start) + instead;
      from = end;
    }
    return {
      violations: this.violations,
      mended: mended + this.#text.slice(from),
      leftOut: this.#leftOut.map(({ path }) => path),
    };
  }

  message({ fields, jsonNames }: Shape, path: string): void {
    const seen = new Set<FieldShape>();
    this.#members((name) => {
      const field = fields.get(name);
      if (field === undefined) {
        this.#unknownField(name, jsonNames, path);
        return;
      }
      const fieldPath = join(path, field.name);
      if (seen.has(field)) {
        this.#report(fieldPath, "must be there once", "type");
      }
      seen.add(field);
      this.#field(field, fieldPath);
    });
  }

  #field({ kind, maxItems, value }: FieldShape, path: string): void {
    if (value.kind !== "any" && this.#peek() === "n") {
      // Null is what is not there.
      this.#token();
    } else if (kind === "single") {
      this.#value(value, path, "null");
    } else if (kind === "map") {
      this.#open(path, "{", "must be an object", "null", () =>
        this.#members((name) =>
          this.#value(value, `${path}[${JSON.stringify(clip(name))}]`, emptyOf(value)),
        ),
      );
    } else {
      this.#open(path, "[", "must be a list", "null", () =>
        this.#entries((index) => {
          if (index === maxItems) {
            this.violations.push(tooManyItems(path, maxItems));
            throw enough;
          }
          this.#value(value, `${path}[${index}]`, emptyOf(value));
        }),
      );
    }
  }

  /** @param empty what can be decoded in its place */
  #value(value: Value, path: string, empty: string): void {
    switch (value.kind) {
      case "message":
        this.#open(path, "{", "must be an object", empty, () => this.message(value.shape, path));
        break;
      case "enum":
        this.#enum(value, path, empty);
        break;
      case "scalar": {
        this.#peek();
        const start = this.#position;
        const token = this.#token();
        const wrong = value.check(token);
        if (wrong !== undefined) {
          this.#leaveOut(path, start, empty);
          this.#report(path, `${wrong} - got ${describe(token)}`, "type");
        }
        break;
      }
      case "any":
        this.#token();
    }
  }

  #enum(
    { descriptor, names }: Extract<Value, { kind: "enum" }>,
    path: string,
    empty: string,
  ): void {
    this.#peek();
    const start = this.#position;
    const token = this.#token();
    const name = isText(token) ? parseText(token) : undefined;
    if (name === undefined) {
      const wrong = integerCheck(-(2 ** 31), 2 ** 31 - 1)(token);
      if (wrong !== undefined) {
        this.#leaveOut(path, start, empty);
        const wanted = `must be a value of ${descriptor.typeName}`;
        this.#report(path, `${wanted} - got ${describe(token)}`, "type");
      }
    } else if (!names.has(name) && this.#unknownNames === "refuse") {
      this.#leaveOut(path, start, empty);
      const hint = this.#hint(
        name,
        descriptor.values.map((each) => each.name),
      );
      this.#report(path, `has the unknown value ${clip(name)}${hint}`, "enum.unknown");
    }
  }

  #unknownField(name: string, known: readonly string[], path: string): void {
    if (this.#unknownNames === "refuse") {
      const hint = this.#hint(name, known);
      this.#report(join(path, clip(name)), `is unknown${hint}`, "field.unknown");
    }
    this.#token();
  }

  #hint(name: string, known: readonly string[]): string {
    const meant = this.violations.length < maxHints ? suggest(name, known) : undefined;
    return meant === undefined ? "" : ` - did you mean ${meant}?`;
  }

  /** Leaves out the value that goes from the place to here. */
  #leaveOut(path: string, start: number, instead: string): void {
    this.#leftOut.push({ path, start, end: this.#position, instead });
  }

  #report(field: string, description: string, reason: string): void {
    this.violations.push({ field, description, reason });
    if (this.violations.length === maxViolations) {
      throw enough;
    }
  }

  /** Goes into an object or a list, or past what is there in its place. */
  #open(path: string, bracket: string, wrong: string, empty: string, visit: () => void): void {
    if (this.#peek() !== bracket) {
      const start = this.#position;
      const token = this.#token();
      this.#leaveOut(path, start, empty);
      this.#report(path, `${wrong} - got ${describe(token)}`, "type");
      return;
    }
    this.#depth += 1;
    if (this.#depth > maxDepth) {
      // The decoder goes no deeper either.
      throw noJson;
    }
    visit();
    this.#depth -= 1;
  }

  #members(visit: (name: string) => void): void {
    this.#parts("{", "}", () => {
      this.#peek();
      const token = this.#string();
      this.#expect(":");
      visit(parseText(token));
    });
  }

  #entries(visit: (index: number) => void): void {
    let index = 0;
    this.#parts("[", "]", () => {
      visit(index);
      index += 1;
    });
  }

  #parts(open: string, close: string, visit: () => void): void {
    this.#expect(open);
    if (this.#peek() === close) {
      this.#position += 1;
      return;
    }
    visit();
    while (this.#peek() === ",") {
      this.#position += 1;
      visit();
    }
    this.#expect(close);
  }

  /** The next value as it is written, to whose end it goes; of an object or a list, its bracket. */
  #token(): string {
    const first = this.#peek();
    if (first === '"') {
      return this.#string();
    }
    if (first === "{" || first === "[") {
      this.#skip();
      return first;
    }
    word.lastIndex = this.#position;
    const [token] = word.exec(this.#text) ?? [];
    if (token === undefined) {
      throw noJson;
    }
    this.#position += token.length;
    return token;
  }

  /** Goes to the end of an object or a list, whatever is in it. */
  #skip(): void {
    let depth = 0;
    do {
      const next = this.#peek();
      if (next === '"') {
        this.#string();
      } else if (next === "{" || next === "[") {
        this.#unknownParts += 1;
        if (this.#unknownParts > maxUnknownParts) {
          this.#report("", `must hold at most ${maxUnknownParts} objects and lists`, "size");
          throw enough;
        }
        depth += 1;
        this.#position += 1;
      } else if (next === "") {
        throw noJson;
      } else {
        depth -= next === "}" || next === "]" ? 1 : 0;
        this.#position += 1;
      }
    } while (depth > 0);
  }

  /** A text as it is written, in its quotes. */
  #string(): string {
    const start = this.#position;
    if (this.#text[start] !== '"') {
      throw noJson;
    }
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end === -1) {
        throw noJson;
      }
    } while (isEscaped(this.#text, end));
    this.#position = end + 1;
    return this.#text.slice(start, end + 1);
  }

  #expect(character: string): void {
    if (this.#peek() !== character) {
      throw noJson;
    }
    this.#position += 1;
  }

  /** The next character that is no space; none at the end. */
  #peek(): string {
    const next = this.#text[this.#position] ?? "";
    if (next > " " || next === "") {
      return next;
    }
    whitespace.lastIndex = this.#position;
    whitespace.test(this.#text);
    this.#position = whitespace.lastIndex;
    return this.#text[this.#position] ?? "";
  }
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, place: number): boolean {
  let start = place;
  while (text[start - 1] === "\\") {
    start -= 1;
  }
  return (place - start) % 2 === 1;
}

function parseText(token: string): string {
  try {
    return token.includes("\\") ? String(JSON.parse(token)) : token.slice(1, -1);
  } catch {
    throw noJson;
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function clip(text: string): string {
  return text.length > maxEcho ? `${text.slice(0, maxEcho).toWellFormed()}…` : text.toWellFormed();
}

/** A value as it was sent, for who has sent it. */
function describe(token: string): string {
  return { "{": "an object", "[": "a list" }[token] ?? clip(token);
}

/** The value of an entry of a list or a map that counts as none. */
function emptyOf(value: Value): string {
  switch (value.kind) {
    case "message":
      return "{}";
    case "scalar":
      return value.zero;
    default:
      return "0";
  }
}
