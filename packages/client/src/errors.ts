import { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { ErrorReason, RemedyAction } from "../gen/partner/v1/error_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { remedies, repeatActions } from "../gen/remedies.ts";

/** One rule that a field of a request breaks. */
export interface Violation {
  /** The field, in the names of TypeScript and JSON: `companyName`, `requests[2].city`. */
  readonly path: string;
  /** Which rule it is, for programs: `string.min_len`. */
  readonly rule: string;
  /** What is wrong, for people, in English. */
  readonly message: string;
}

/**
 * The rules that a request breaks, for the fields of a form; empty when the call failed for another
 * reason.
 *
 * @param within The field that the form is about, whose name the paths then do not begin with: in
 * answers to UpdatePartner `violationsOf(error, "partner")` names `city` where it is `partner.city`
 * else.
 */
export function violationsOf(error: unknown, within?: string): readonly Violation[] {
  const prefix = within === undefined ? "" : `${within}.`;
  return ConnectError.from(error)
    .findDetails(BadRequestSchema)
    .flatMap(({ fieldViolations }) => fieldViolations)
    .map(({ field, reason, description }) => {
      const path = field.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
      return {
        path: path.startsWith(prefix) ? path.slice(prefix.length) : path,
        rule: reason,
        message: description,
      };
    });
}

/** What to do about an error. */
export interface Remedy {
  readonly action: RemedyAction;
  /** When, what or whom, in English. */
  readonly text: string;
}

/** Why the service refused a call; undefined when it gave no reason that this contract has. */
export function reasonOf(error: unknown): ErrorReason | undefined {
  const name = reasonNameOf(error);
  return name && ErrorReason[name];
}

/** What to do about an error, as the contract says; undefined when it gave no reason that this contract has. */
export function remedyOf(error: unknown): Remedy | undefined {
  const name = reasonNameOf(error);
  if (name === undefined || name === "UNSPECIFIED") {
    return undefined;
  }
  const { action, text } = remedies[name];
  return { action: RemedyAction[action], text };
}

/**
 * In which way an error is mended by the same call: NO if it is not, undefined when it gave no reason
 * that this contract has. Pages that do not show the remedies do not load them for this.
 */
export function repeatActionOf(error: unknown): "REPEAT" | "REPEAT_IF_SAFE" | "NO" | undefined {
  const name = reasonNameOf(error);
  const actions: Partial<Record<ReasonName, "REPEAT" | "REPEAT_IF_SAFE">> = repeatActions;
  return name && (actions[name] ?? "NO");
}

type ReasonName = keyof typeof ErrorReason;

function reasonNameOf(error: unknown): ReasonName | undefined {
  const info = ConnectError.from(error)
    .findDetails(ErrorInfoSchema)
    .find(({ domain }) => domain === PartnerService.file.proto.package);
  return Object.keys(ErrorReason).find((name): name is ReasonName => name === info?.reason);
}
