import { type DescEnumValue, getOption } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import { codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import {
  error_code,
  http_status,
  RemedyAction,
  RemedyActionSchema,
  remedy,
} from "../../gen/partner/v1/error_pb.ts";
import type { Contract } from "./contract.ts";

/** The reasons that errors carry, whose local names travel. */
export function sentReasons({ reasons }: Contract): readonly DescEnumValue[] {
  return reasons.values.filter(({ number }) => number !== 0);
}

/** The status code that the contract gives to a reason. */
export function codeOf(reason: DescEnumValue): Code {
  // google.rpc.Code and Connect's Code number the same codes alike.
  return getOption(reason, error_code) as number as Code;
}

/** The HTTP statuses with which Connect, and plain HTTP, answer an error of a reason, the usual one first. */
export function statusesOf(reason: DescEnumValue): readonly number[] {
  const own = getOption(reason, http_status);
  return own.length > 0 ? own : [codeToHttpStatus(codeOf(reason))];
}

export interface Remedy {
  /** The action's name. */
  readonly action: string;
  /** The action as a verb, on which the text follows. */
  readonly verb: string;
  readonly text: string;
}

/**
 * What a caller does about an error of a reason.
 *
 * @throws Error when the contract does not say.
 */
export function remedyOf(reason: DescEnumValue): Remedy {
  const { action, text } = getOption(reason, remedy);
  const name = RemedyActionSchema.value[action]?.localName;
  if (name === undefined || action === RemedyAction.UNSPECIFIED || text === "") {
    throw new Error(`The contract does not say what to do about ${reason.toString()}.`);
  }
  return { action: name, verb: name.toLowerCase().replaceAll("_", " "), text };
}

/**
 * The remedies as the client package has them. They are no options of its descriptors, which are base64 in
 * each page's bundle; and pages have the texts only where they show them.
 */
export function createRemedies(contract: Contract): string {
  const remedies = sentReasons(contract).map((reason) => {
    const { action, text } = remedyOf(reason);
    return [reason.localName, { action, text }] as const;
  });
  const repeated = remedies
    .filter(([, { action }]) => action.startsWith("REPEAT"))
    .map(([reason, { action }]) => [reason, action] as const);
  const constant = (
    comment: string,
    name: string,
    entries: Iterable<readonly [string, unknown]>,
  ) => {
    const object = JSON.stringify(Object.fromEntries(entries), null, 2);
    return `\n/** ${comment} */\nexport const ${name} = ${object} as const;\n`;
  };
  return `// Written by \`npm run generate\` from the options of ErrorReason.
${constant("The reasons that a repetition mends.", "repeatActions", repeated)}${constant(
  "What to do about each reason.",
  "remedies",
  remedies,
)}`;
}
