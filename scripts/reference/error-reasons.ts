import { type DescEnumValue, getOption } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
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
