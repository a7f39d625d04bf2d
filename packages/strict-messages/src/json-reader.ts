/** Is thrown for a text that is no JSON, or that is deeper than the decoder goes. */
export const noJson = new Error("The text is no JSON.");

/** How deep messages are gone into. */
const maxDepth = 100;

const whitespace = /[ \t\r\n]*/y;
/** The rest of a number, or of true, false and null. */
const word = /[\w+.-]+/y;

/** Goes through a text of JSON, part by part, and makes nothing of it. */
export class JsonReader {
  readonly text: string;
  /** Where it has got to. */
  position = 0;
  readonly #onSkipped: () => void;
  #depth = -1;

  /** @param onSkipped hears of each object and list that `token` goes past */
  constructor(text: string, onSkipped: () => void) {
    this.text = text;
    this.#onSkipped = onSkipped;
  }

  /** The next character that is no space; none at the end. */
  peek(): string {
    const next = this.text[this.position] ?? "";
    if (next > " " || next === "") {
      return next;
    }
    whitespace.lastIndex = this.position;
    whitespace.test(this.text);
    this.position = whitespace.lastIndex;
    return this.text[this.position] ?? "";
  }

  /** Goes through an object. What is visited takes the value of the name. */
  members(visit: (name: string) => void): void {
    this.#parts("{", "}", () => {
      this.peek();
      const name = textOf(this.#string());
      this.#expect(":");
      visit(name ?? "");
    });
  }

  /** Goes through a list. What is visited takes the entry. */
  entries(visit: (index: number) => void): void {
    let index = 0;
    this.#parts("[", "]", () => {
      visit(index);
      index += 1;
    });
  }

  #parts(open: string, close: string, visit: () => void): void {
    this.#expect(open);
    this.#depth += 1;
    if (this.#depth > maxDepth) {
      throw noJson;
    }
    if (this.peek() !== close) {
      visit();
      while (this.peek() === ",") {
        this.position += 1;
        visit();
      }
    }
    this.#expect(close);
    this.#depth -= 1;
  }

  /** The next value as it is written, to whose end it goes; of an object or a list, its bracket. */
  token(): string {
    const first = this.peek();
    if (first === '"') {
      return this.#string();
    }
    if (first === "{" || first === "[") {
      this.#skip();
      return first;
    }
    word.lastIndex = this.position;
    const [token] = word.exec(this.text) ?? [];
    if (token === undefined) {
      throw noJson;
    }
    this.position += token.length;
    return token;
  }

  /** Goes to the end of an object or a list, whatever is in it. */
  #skip(): void {
    let depth = 0;
    do {
      const next = this.peek();
      if (next === '"') {
        this.#string();
      } else if (next === "") {
        throw noJson;
      } else {
        if (next === "{" || next === "[") {
          this.#onSkipped();
          depth += 1;
        } else if (next === "}" || next === "]") {
          depth -= 1;
        }
        this.position += 1;
      }
    } while (depth > 0);
  }

  /** A text as it is written, in its quotes. */
  #string(): string {
    const start = this.position;
    if (this.text[start] !== '"') {
      throw noJson;
    }
    let end = start;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end === -1) {
        throw noJson;
      }
    } while (isEscaped(this.text, end));
    this.position = end + 1;
    return this.text.slice(start, end + 1);
  }

  #expect(character: string): void {
    if (this.peek() !== character) {
      throw noJson;
    }
    this.position += 1;
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

/** The text that a value is; undefined for one that is none. */
export function textOf(token: string): string | undefined {
  if (!token.startsWith('"')) {
    return undefined;
  }
  try {
    return token.includes("\\") ? String(JSON.parse(token)) : token.slice(1, -1);
  } catch {
    throw noJson;
  }
}
