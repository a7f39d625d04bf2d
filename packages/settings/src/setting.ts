import { readFileSync } from "node:fs";
import { StartError } from "./start-error.ts";

/** What the text of a setting may be. */
export interface Kind<Value> {
  /** For people: `0 to 65535`. */
  readonly type: string;
  /** What a text must be that is read as undefined: `must be on or off`. */
  readonly rule?: string;
  /** @throws StartError whose message names the setting, and does not repeat the text. */
  readonly read: (text: string, name: string) => Value | undefined;
}

/** One setting: an environment variable, and what it may hold. */
export interface Setting<Value> {
  readonly name: string;
  readonly type: string;
  /** What holds where it is absent, for people; empty where that is nothing. */
  readonly default: string;
  /** What it is for. */
  readonly text: string;
  /**
   * Reads its text, which is undefined where it is absent.
   *
   * @throws StartError whose message names the setting, and does not repeat the text.
   */
  readonly read: (text: string | undefined) => Value;
}

/** A setting with a default, which is read as a given text is. */
export function setting<Value>(name: string, kind: Kind<Value>, fallback: string | number) {
  return {
    for: (text: string): Setting<Value> => ({
      ...{ name, type: kind.type, default: String(fallback), text },
      read: (given = String(fallback)) => readAs(kind, name, given),
    }),
  };
}

/** A setting that may be absent; `fallback` says what holds then. */
export function optional<Value>(name: string, kind: Kind<Value>, fallback = "") {
  return {
    for: (text: string): Setting<Value | undefined> => ({
      ...{ name, type: kind.type, default: fallback, text },
      read: (given) => (given === undefined ? undefined : readAs(kind, name, given)),
    }),
  };
}

function readAs<Value>({ rule, read }: Kind<Value>, name: string, text: string): Value {
  const value = read(text, name);
  if (value === undefined) {
    throw new StartError(`${name} ${rule}.`);
  }
  return value;
}

/** Settings, and groups of those that are taken together. */
export type Settings = Readonly<Record<string, Setting<unknown> | Group>>;
type Group = Readonly<Record<string, Setting<unknown>>>;

/** What settings hold, each in its place. */
export type Values<Declared> =
  Declared extends Setting<infer Value>
    ? Value
    : { readonly [Key in keyof Declared]: Values<Declared[Key]> };

/**
 * Reads settings from the environment. An empty variable counts as absent.
 *
 * @throws StartError
 */
export function readSettings<Declared extends Settings>(
  declared: Declared,
  environment: Readonly<Record<string, string | undefined>>,
): Values<Declared> {
  const values = Object.entries(declared).map(([key, each]) => [
    key,
    isSetting(each)
      ? each.read(environment[each.name] || undefined)
      : readSettings(each, environment),
  ]);
  // What each key holds its own setting has read.
  return Object.freeze(Object.fromEntries(values)) as Values<Declared>;
}

/** All settings, in order. */
export function listSettings(declared: Settings): readonly Setting<unknown>[] {
  return Object.values(declared).flatMap((each) => (isSetting(each) ? each : Object.values(each)));
}

/** What `--help` prints of settings: of each what it may hold, what holds without it, and what it is for. */
export function describeSettings(declared: Settings): string {
  const entries = listSettings(declared).map(({ name, type, default: fallback, text }) => {
    const absent = fallback === "" ? "" : `; default: ${fallback}`;
    return `  ${name} (${type}${absent})\n      ${text}\n`;
  });
  return entries.join("\n");
}

function isSetting(each: Setting<unknown> | Group): each is Setting<unknown> {
  return typeof each.read === "function";
}

/** Any text, which is not looked into here. */
export const any = (type: string): Kind<string> => ({ type, read: (text) => text });

/** A whole number within bounds, which it may equal. */
export const whole = (min: number, max: number): Kind<number> => ({
  type: `${min} to ${max}`,
  rule: `must be a whole number from ${min} to ${max}`,
  read(text) {
    const number = Number(text);
    return /^\d+$/.test(text) && number >= min && number <= max ? number : undefined;
  },
});

/** One of some words. */
export const oneOf = <const Word extends string>(...words: readonly Word[]): Kind<Word> => ({
  type: words.join(", "),
  rule: `must be one of ${words.join(", ")}`,
  read: (text) => words.find((word) => word === text),
});

export const onOff: Kind<boolean> = {
  type: "on or off",
  rule: "must be on or off",
  read: (text) => (text === "on" ? true : text === "off" ? false : undefined),
};

/** The path of a file; the value is the text that it holds. */
export const file = (type: string): Kind<string> => ({
  type,
  read(path, name) {
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      const reason = cause instanceof Error && "code" in cause ? cause.code : cause;
      throw new StartError(`${name} names a file that cannot be read (${reason}).`, { cause });
    }
  },
});

/** Items that are separated by commas. */
export const listOf = (
  type: string,
  rule: string,
  isItem: (item: string) => boolean,
  least = 0,
): Kind<readonly string[]> => ({
  type,
  rule,
  read(text) {
    const items = text.split(",").map((item) => item.trim());
    const given = items.filter((item) => item !== "");
    return given.length >= least && given.every(isItem) ? Object.freeze(given) : undefined;
  },
});
