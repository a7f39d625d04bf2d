import {
  type AnyDesc,
  createFileRegistry,
  type DescEnum,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { getComments } from "@bufbuild/protoplugin";
import { type AccessRule, access_rule } from "../../gen/access/v1/access_pb.ts";
import { ErrorReasonSchema } from "../../gen/partner/v1/error_pb.ts";

/** The contract, with its comments. */
export interface Contract {
  /** The services whose RPCs have an access rule: those that the standards do not define. */
  readonly services: readonly DescService[];
  /** Why calls fail. */
  readonly reasons: DescEnum;
  /** Finds a message by its full name. */
  message(typeName: string): DescMessage;
}

/** Reads the contract from the descriptors that `buf build` writes, a FileDescriptorSet. */
export function readContract(descriptors: Uint8Array): Contract {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const services = [...registry].filter(
    (type): type is DescService =>
      type.kind === "service" && type.methods.some((method) => hasOption(method, access_rule)),
  );
  const reasons = registry.getEnum(ErrorReasonSchema.typeName);
  if (services.length === 0 || reasons === undefined) {
    throw new Error("The contract has no service with access rules, or no error reasons.");
  }
  return {
    services,
    reasons,
    message(typeName) {
      const message = registry.getMessage(typeName);
      if (message === undefined) {
        throw new Error(`The contract has no message ${typeName}.`);
      }
      return message;
    },
  };
}

/** The paragraphs of the comment in front of a declaration. */
export function paragraphsOf(declaration: Exclude<AnyDesc, { kind: "file" }>): readonly string[] {
  const { leading = "" } = getComments(declaration);
  return leading
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim().replace(/\s+/g, " "))
    .filter((paragraph) => paragraph !== "");
}

/** The whole comment in front of a declaration, a line for each paragraph. */
export function commentOf(declaration: Parameters<typeof paragraphsOf>[0]): string {
  return paragraphsOf(declaration).join("\n\n");
}

/** Who may call the RPC. */
export function accessRuleOf(method: DescMethod): AccessRule {
  return getOption(method, access_rule);
}

/** Whether Connect serves the RPC over HTTP GET too. */
export function isReadOnly(method: DescMethod): boolean {
  return (
    method.methodKind === "unary" &&
    method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS
  );
}

/** Whether a caller may repeat a call without knowing what became of the first time, as a sentence. */
export function repetitionOf({ idempotency, input }: DescMethod): string {
  const repeated = "A call whose outcome is not known may be repeated";
  switch (idempotency) {
    case MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS:
      return `${repeated}.`;
    case MethodOptions_IdempotencyLevel.IDEMPOTENT:
      return hasField(input, "etag") ? `${repeated}, but not with an \`etag\`.` : `${repeated}.`;
    default:
      return hasField(input, "request_id")
        ? `${repeated} if it has a \`request_id\`.`
        : "A call whose outcome is not known may have been done: it is not declared safe to repeat.";
  }
}

function hasField({ fields }: DescMessage, name: string): boolean {
  return fields.some(
    (field) =>
      field.name === name || (field.fieldKind === "message" && hasField(field.message, name)),
  );
}
