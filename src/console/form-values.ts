import {
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { type FormField, formFields } from "./form-fields.ts";

/** What the form holds, by the path of the field. An absent value is an untouched control. */
export type FormValues = Readonly<Record<string, FormValue | undefined>>;
export type FormValue = string | boolean | readonly string[];

/** What is wrong with a field. */
export interface Problem {
  readonly field: string;
  readonly description: string;
  readonly reason: string;
}

/** A request as far as the form's texts make one. */
export interface ReadForm {
  /** What was typed, also where no message can hold it. */
  readonly request: JsonObject;
  readonly message: Message;
  /** The texts that no message can hold: a fraction where the contract wants a whole number. */
  readonly problems: readonly Problem[];
}

/** Makes the request from what the form holds. */
export function readForm(descriptor: DescMessage, values: FormValues): ReadForm {
  const fields = formFields(descriptor);
  const problems: Problem[] = [];
  const request = readGroup(fields, values, problems);
  const unreadable = new Set(problems.map(({ field }) => field));
  const readable = Object.entries(values).filter(([path]) => !unreadable.has(path));
  const json = readGroup(fields, Object.fromEntries(readable), []);
  // What the texts of single fields do not show, such as a JSON value of another shape.
  for (const { path, jsonName } of fields) {
    const description = whyUnreadable(descriptor, jsonName, json[jsonName]);
    if (description !== "") {
      problems.push({ field: path, description, reason: "type" });
      delete json[jsonName];
    }
  }
  return { request, message: fromJson(descriptor, json), problems };
}

function whyUnreadable(
  descriptor: DescMessage,
  name: string,
  value: JsonValue | undefined,
): string {
  try {
    fromJson(descriptor, value === undefined ? {} : { [name]: value });
    return "";
  } catch (failure) {
    return failure instanceof Error ? failure.message : String(failure);
  }
}

/** The examples of the contract, for a form that starts filled. Ids that are optional stay empty. */
export function exampleValues(descriptor: DescMessage): FormValues {
  const examples = formFields(descriptor)
    .filter(({ name }) => name !== "request_id" && name !== "external_id")
    .map(({ path, rules, input }) => [path, exampleOf(rules.example, input)]);
  return Object.fromEntries(examples);
}

function exampleOf(example: string | undefined, input: FormField["input"]): string | undefined {
  if (input.kind === "json" && input.item !== undefined) {
    const item = readGroup(formFields(input.item), exampleValues(input.item), []);
    return JSON.stringify([item], undefined, 2);
  }
  return input.kind === "choice" && example !== undefined
    ? input.options[Number(example) - 1]?.value
    : example;
}

function readGroup(
  fields: readonly FormField[],
  values: FormValues,
  problems: Problem[],
): JsonObject {
  const entries = fields.flatMap((field): [string, JsonValue][] => {
    const value = readField(field, values, problems);
    return value === undefined ? [] : [[field.jsonName, value]];
  });
  return Object.fromEntries(entries);
}

function readField(
  field: FormField,
  values: FormValues,
  problems: Problem[],
): JsonValue | undefined {
  const { path, input } = field;
  if (input.kind === "group") {
    const group = readGroup(input.fields, values, problems);
    return Object.keys(group).length === 0 ? undefined : group;
  }
  const value = values[path];
  if (value === undefined || value === "" || value === false || typeof value === "object") {
    return typeof value === "object" && value.length > 0 ? [...value] : undefined;
  }
  if (value === true) {
    return true;
  }
  /** What was typed goes as it is, if a person wants to see what the service says. */
  const refuse = (description: string, typed: JsonValue = value) => {
    problems.push({ field: path, description, reason: "type" });
    return typed;
  };
  switch (input.kind) {
    case "number":
      return isInt32(value)
        ? Number(value)
        : refuse("must be a whole number of 32 bits", numberOrText(value));
    case "duration":
      return /^\d+$/.test(value)
        ? `${value}s`
        : refuse("must be a whole number of seconds", `${value}s`);
    case "mask":
      return value.split(",").map(toJsonPath).join(",");
    case "texts":
      return value.split("\n").filter((line) => line !== "");
    case "json":
      return parseJson(value) ?? refuse("must be JSON");
    default:
      return value;
  }
}

/** The number that a text is, if JSON can hold just this one. */
function numberOrText(text: string): number | string {
  return String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text;
}

function isInt32(text: string): boolean {
  return /^-?\d+$/.test(text) && (Number(text) | 0) === Number(text);
}

/** A path of a field mask is spelt in lowerCamelCase in JSON. */
function toJsonPath(path: string): string {
  return path.trim().replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
