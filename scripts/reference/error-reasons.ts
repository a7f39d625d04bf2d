import { type DescEnumValue, getOption } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { error_code } from "../../gen/partner/v1/error_pb.ts";
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

/** What goes wrong without a reason of the contract's. */
export const codesWithoutReason: ReadonlyMap<Code, string> = new Map([
  [Code.InvalidArgument, "The caller's timeout cannot be read."],
  [Code.DeadlineExceeded, "The caller's deadline passed."],
  [Code.Internal, "The service failed, and knows no more."],
]);
