import {
  type DescMessage,
  type DescMethod,
  fromJsonString,
  type Message,
} from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import {
  type ConnectError,
  type ConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImpl,
  type MethodImplSpec,
} from "@connectrpc/connect";
import type { UniversalHandlerOptions } from "@connectrpc/connect/protocol";
import { createBinaryCheck } from "./binary-check.ts";
import { findBrokenRules } from "./broken-rules.ts";
import { guardHandler } from "./guarded-handler.ts";
import { createJsonCheck } from "./json-check.ts";
import type { UnknownNames } from "./json-shape.ts";
import type { Violation } from "./violation.ts";

export interface StrictMessageOptions
  extends Pick<UniversalHandlerOptions, "acceptCompression" | "jsonOptions" | "readMaxBytes"> {
  readonly unknownNames: UnknownNames;
  /** Makes the error that a call fails with whose message is refused. */
  readonly refuse: (violations: readonly Violation[]) => ConnectError;
  /**
   * Judges the values of a message in JSON that is refused which could be decoded, so that its caller hears of
   * all that is wrong at once.
   */
  readonly validator: Validator;
}

/**
 * Mounts RPCs on Connect's router so that the requests of the unary ones are checked before they are
 * decoded, in JSON (see {@link createJsonCheck}) and in binary (see {@link createBinaryCheck}).
 *
 * @param options - those that the router was created with, and what is refused
 */
export function withStrictMessages(
  router: ConnectRouter,
  options: StrictMessageOptions,
): ConnectRouter {
  const { refuse } = options;

  function mount(spec: MethodImplSpec, more: Partial<UniversalHandlerOptions> = {}): void {
    if (spec.kind !== "unary") {
      router.rpc(spec.method, spec.impl as MethodImpl<DescMethod>, more);
      return;
    }
    const { input } = spec.method;
    const textDecoder = createTextDecoder(input, options);
    const jsonOptions = { ...(more.jsonOptions ?? options.jsonOptions), textDecoder };
    // The descriptor and the implementation are of one method, as whoever mounts it has them.
    router.rpc(spec.method, spec.impl as MethodImpl<DescMethod>, { ...more, jsonOptions });
    const check = createBinaryCheck(input, refuse);
    const handler = router.handlers.pop();
    if (handler !== undefined) {
      router.handlers.push(
        check === undefined ? handler : guardHandler(handler, check, { ...options, ...more }),
      );
    }
  }

  const strict: ConnectRouter = {
    handlers: router.handlers,
    service(service, implementation, more) {
      for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) {
        mount(spec, more);
      }
      return strict;
    },
    rpc(method, implementation, more) {
      mount(createMethodImplSpec(method, implementation), more);
      return strict;
    },
  };
  return strict;
}

/**
 * Makes what Connect decodes the text of a message with, which throws what it refuses. Connect takes
 * a decoder among its options for JSON, which their type does not say.
 */
function createTextDecoder(
  descriptor: DescMessage,
  { unknownNames, refuse, validator }: StrictMessageOptions,
) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const check = createJsonCheck(descriptor, unknownNames);
  return {
    decode(bytes: Uint8Array): string {
      const text = decoder.decode(bytes);
      const findings = check(text);
      if (findings === undefined) {
        return text;
      }
      const message =
        findings.mended === undefined ? undefined : decode(descriptor, findings.mended);
      const broken = message === undefined ? [] : findBrokenRules(validator, descriptor, message);
      throw refuse([
        ...findings.violations,
        // A value that was left out has been reported, and is not missing.
        ...broken.filter(({ field }) => !findings.leftOut.some((path) => isWithin(field, path))),
      ]);
    },
  };
}

/** Undefined for what holds more that the decoder refuses. */
function decode(descriptor: DescMessage, text: string): Message | undefined {
  try {
    return fromJsonString(descriptor, text, { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
}

/** Whether a field is the one of a path, or in it. */
function isWithin(field: string, path: string): boolean {
  return field.startsWith(path) && /^(?:$|[.[])/.test(field.slice(path.length));
}
