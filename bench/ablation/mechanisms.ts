import type { Edit } from "../edit.ts";
import type { ComparedCall } from "../in-turn.ts";

/** What could be left out of the service, with the same answers to good calls. */
export interface Mechanism {
  readonly title: string;
  /** The calls that it is for. */
  readonly calls: readonly ComparedCall[];
  /** What takes it out: a setting, or edits of what is loaded. */
  readonly setting?: Readonly<Record<string, string>>;
  readonly edits?: readonly Edit[];
  /** The files, or folders of files, that would not be there without it. */
  readonly files: readonly string[];
  /** Whether it is there for another reason than speed. */
  readonly isForCallers?: boolean;
}

const lane = "packages/unary-lane/src";
const repository = "src/partners/partner-repository.ts";

export const mechanisms = {
  lane: {
    title: "unary lane",
    calls: ["create", "create-grpc"],
    setting: { UNARY_LANE: "off" },
    files: [lane],
  },
  "json-in": {
    title: "plain JSON read",
    calls: ["create", "batch"],
    edits: [
      {
        file: `${lane}/plain-json.ts`,
        from: "isPlain ? createPlainJsonReader(input, maxItemsOf) : undefined",
        to: "undefined",
      },
    ],
    files: [`${lane}/plain-json-reader.ts`],
  },
  "json-out": {
    title: "plain JSON written",
    calls: ["create", "get", "list"],
    edits: [
      {
        file: `${lane}/plain-json.ts`,
        from: "emitsAll ? createPlainJsonWriter(output) : undefined",
        to: "undefined",
      },
    ],
    files: [`${lane}/plain-json-writer.ts`],
  },
  headers: {
    title: "lazy headers",
    calls: ["create", "get"],
    edits: [
      {
        file: `${lane}/lazy-headers.ts`,
        from: "    this.#source = source;\n  }",
        to: "    this.#source = source;\n    this.#fill();\n  }",
      },
    ],
    files: [`${lane}/lazy-headers.ts`],
  },
  validation: {
    title: "fast validation",
    calls: ["create", "create-grpc"],
    edits: [
      {
        file: "src/routes.ts",
        from: "createFastValidator(validator)",
        to: "validator",
      },
    ],
    files: ["packages/fast-validation/src"],
  },
  tokens: {
    title: "verified tokens remembered",
    calls: ["create", "get"],
    edits: [
      {
        file: "packages/access-tokens/src/token-verifier.ts",
        from: "const remembered = keys.areFresh()",
        to: "const remembered = false",
      },
    ],
    files: ["packages/access-tokens/src/verified-token-cache.ts"],
  },
  inserts: {
    title: "inserts joined",
    calls: ["create"],
    edits: [
      {
        file: repository,
        from: "statements: 3,\n  callsPerStatement: 32",
        to: "statements: 10,\n  callsPerStatement: 1",
      },
    ],
    files: ["packages/postgres-statements/src/joining.ts"],
  },
  finds: {
    title: "finds joined",
    calls: ["get"],
    edits: [
      {
        file: "src/partners/partner-finds.ts",
        from: "statements: 2,\n  callsPerStatement: 256",
        to: "statements: 10,\n  callsPerStatement: 1",
      },
    ],
    files: ["packages/postgres-statements/src/joining.ts"],
  },
  prepared: {
    title: "statements prepared",
    calls: ["create", "get", "list"],
    edits: [
      {
        file: "packages/postgres-statements/src/query.ts",
        from: "...(name === undefined ? {} : { name }),",
        to: "",
      },
    ],
    files: [],
  },
  strict: {
    title: "messages judged before they are decoded",
    calls: ["create", "list"],
    edits: [
      { file: "src/app.ts", from: "withStrictMessages(router, strictness)", to: "router" },
      { file: "src/app.ts", from: "createBinaryCheck(input, invalidFields)", to: "undefined" },
    ],
    files: ["packages/strict-messages/src"],
    isForCallers: true,
  },
} as const satisfies Record<string, Mechanism>;

export type MechanismName = keyof typeof mechanisms;
