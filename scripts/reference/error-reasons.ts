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

/**
 * What a caller does about an error of a reason, as a verb and what follows on it.
 *
 * @throws Error when the contract does not say.
 */
export function remedyOf(reason: DescEnumValue): { readonly verb: string; readonly text: string } {
  const { action, text } = getOption(reason, remedy);
  if (action === RemedyAction.UNSPECIFIED || text === "") {
    throw new Error(`The contract does not say what to do about ${reason.toString()}.`);
  }
  const name = RemedyActionSchema.value[action]?.localName ?? "";
  return { verb: name.toLowerCase().replaceAll("_", " "), text };
}
