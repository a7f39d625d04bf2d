import { readFileSync } from "node:fs";
import { StartError } from "./start-error.ts";

/** One setting: an environment variable, and what it may hold. */
export interface Setting<Value> {
  readonly name: string;
  /** What it may hold, for people: `0 to 65535`. */
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

/** A setting that may be absent; `fallback` says what holds then. */
export function optional<Value>(
  name: string,
  type: string,
  fallback: string,
  text: string,
  parse: (text: string) => Value,
): Setting<Value | undefined> {
  const read = (value: string | undefined) => (value === undefined ? undefined : parse(value));
  return { name, type, default: fallback, text, read };
}

/** A setting with a default, which is read as a given text is. */
export function withDefault<Value>(
  name: string,
  type: string,
  fallback: string,
  text: string,
  parse: (text: string) => Value,
): Setting<Value> {
  return { name, type, default: fallback, text, read: (value = fallback) => parse(value) };
}

/** Any text, which is not looked into here. */
export function text(name: string, fallback: string, text: string): Setting<string> {
  return withDefault(name, "text", fallback, text, (value) => value);
}

/** A whole number within bounds, which it may equal. */
export function integer(
  name: string,
  fallback: number,
  [min, max]: readonly [min: number, max: number],
  text: string,
): Setting<number> {
  return withDefault(name, `${min} to ${max}`, String(fallback), text, (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      throw new StartError(`${name} must be a whole number from ${min} to ${max}.`);
    }
    return number;
  });
}

/** One of some words. */
export function oneOf<const Word extends string>(
  name: string,
  fallback: Word,
  words: readonly Word[],
  text: string,
): Setting<Word> {
  return withDefault(name, words.join(", "), fallback, text, (value) => {
    const word = words.find((one) => one === value);
    if (word === undefined) {
      throw new StartError(`${name} must be one of ${words.join(", ")}.`);
    }
    return word;
  });
}

export function onOff(name: string, fallback: "on" | "off", text: string): Setting<boolean> {
  return withDefault(name, "on or off", fallback, text, (value) => parseOnOff(name, value));
}

/** `on` or `off`, where it depends on other settings what holds without it. */
export function optionalOnOff(
  name: string,
  fallback: string,
  text: string,
): Setting<boolean | undefined> {
  return optional(name, "on or off", fallback, text, (value) => parseOnOff(name, value));
}

function parseOnOff(name: string, value: string): boolean {
  if (value !== "on" && value !== "off") {
    throw new StartError(`${name} must be on or off.`);
  }
  return value === "on";
}

/** The path of a file; the value is the text that it holds. */
export function file(
  name: string,
  type: string,
  fallback: string,
  text: string,
): Setting<string | undefined> {
  return optional(name, type, fallback, text, (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      const reason = cause instanceof Error && "code" in cause ? cause.code : cause;
      throw new StartError(`${name} names a file that cannot be read (${reason}).`, { cause });
    }
  });
}

/** The items of a list that is separated by commas. */
export function splitList(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
