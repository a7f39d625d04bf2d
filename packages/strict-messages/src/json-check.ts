import type { DescMessage } from "@bufbuild/protobuf";
import { echo } from "./fitting.ts";
import { JsonReader, noJson } from "./json-reader.ts";
import {
  type FieldShape,
  hint,
  type MessageShape,
  shapeOf,
  type UnknownNames,
  type ValueShape,
  wrongType,
} from "./json-shape.ts";
import { tooManyItems, type Violation } from "./violation.ts";

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
/** For how many of them is looked what was meant. */
const maxHints = 25;
/** How many objects and lists of unknown fields are gone into. */
const maxUnknownParts = 1000;

/** Ends a check: the message has been found wrong enough. */
const enough = new Error("The message is refused.");

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
  const shape = shapeOf(descriptor, unknownNames);
  return (text) => {
    const check = new Check(text, unknownNames);
    try {
      check.message(shape, "");
    } catch (failure) {
      if (failure === noJson) {
        return undefined;
      }
      if (failure !== enough) {
        throw failure;
      }
      return { violations: check.violations, mended: undefined, leftOut: [] };
    }
    return check.violations.length === 0 ? undefined : check.findings();
  };
}

class Check {
  readonly violations: Violation[] = [];
  readonly #leftOut: { path: string; start: number; end: number; instead: string }[] = [];
  readonly #json: JsonReader;
  readonly #unknownNames: UnknownNames;
  #unknownParts = 0;

  constructor(text: string, unknownNames: UnknownNames) {
    this.#unknownNames = unknownNames;
    this.#json = new JsonReader(text, () => {
      this.#unknownParts += 1;
      if (this.#unknownParts > maxUnknownParts) {
        this.#report("", `must hold at most ${maxUnknownParts} objects and lists`, "size");
        throw enough;
      }
    });
  }

  findings(): JsonFindings {
    const { text } = this.#json;
    let mended = "";
    let from = 0;
    for (const { start, end, instead } of this.#leftOut) {
      mended += text.slice(from, start) + instead;
      from = end;
    }
    return {
      violations: this.violations,
      mended: mended + text.slice(from),
      leftOut: this.#leftOut.map(({ path }) => path),
    };
  }

  message({ fields, jsonNames }: MessageShape, path: string): void {
    const seen = new Set<FieldShape>();
    this.#json.members((name) => {
      const field = fields.get(name);
      if (field === undefined) {
        if (this.#unknownNames === "refuse") {
          const meant = hint(name, jsonNames, this.#canHint());
          this.#report(join(path, echo(name)), `is unknown${meant}`, "field.unknown");
        }
        this.#json.token();
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
    if (this.#json.peek() === "n") {
      // Null is what is not there.
      this.#json.token();
    } else if (kind === "single") {
      this.#value(value, path, "null");
    } else if (kind === "map") {
      this.#open(path, "{", "must be an object", "null", () =>
        this.#json.members((name) =>
          this.#value(value, `${path}[${JSON.stringify(echo(name))}]`, value.empty),
        ),
      );
    } else {
      this.#open(path, "[", "must be a list", "null", () =>
        this.#json.entries((index) => {
          if (index === maxItems) {
            this.violations.push(tooManyItems(path, maxItems));
            throw enough;
          }
          this.#value(value, `${path}[${index}]`, value.empty);
        }),
      );
    }
  }

  /** @param empty what can be decoded in its place */
  #value({ message, check }: ValueShape, path: string, empty: string): void {
    if (message !== undefined) {
      this.#open(path, "{", "must be an object", empty, () => this.message(message, path));
      return;
    }
    this.#json.peek();
    const start = this.#json.position;
    const wrong = check(this.#json.token(), this.#canHint());
    if (wrong !== undefined) {
      this.#leaveOut(path, start, empty);
      this.#report(path, wrong.description, wrong.reason);
    }
  }

  /** Goes into an object or a list, or past what is there in its place. */
  #open(path: string, bracket: string, wanted: string, empty: string, visit: () => void): void {
    if (this.#json.peek() === bracket) {
      visit();
      return;
    }
    const start = this.#json.position;
    const { description, reason } = wrongType(wanted, this.#json.token());
    this.#leaveOut(path, start, empty);
    this.#report(path, description, reason);
  }

  #canHint(): boolean {
    return this.violations.length < maxHints;
  }

  /** Leaves out the value that goes from the place to here. */
  #leaveOut(path: string, start: number, instead: string): void {
    this.#leftOut.push({ path, start, end: this.#json.position, instead });
  }

  #report(field: string, description: string, reason: string): void {
    this.violations.push({ field, description, reason });
    if (this.violations.length === maxViolations) {
      throw enough;
    }
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
