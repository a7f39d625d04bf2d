import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
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
import { guardHandler } from "./guarded-handler.ts";
import { createJsonCheck, type UnknownNames } from "./json-check.ts";
import type { Violation } from "./violation.ts";

export interface StrictMessageOptions
  extends Pick<UniversalHandlerOptions, "acceptCompression" | "jsonOptions" | "readMaxBytes"> {
  readonly unknownNames: UnknownNames;
  /** Makes the error that a call fails with whose message is refused. */
  readonly refuse: (violations: readonly Violation[]) => ConnectError;
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
  const { unknownNames, refuse } = options;

  function mount(spec: MethodImplSpec, more: Partial<UniversalHandlerOptions> = {}): void {
    if (spec.kind !== "unary") {
      router.rpc(spec.method, spec.impl as MethodImpl<DescMethod>, more);
      return;
    }
    const { input } = spec.method;
    const textDecoder = createTextDecoder(input, unknownNames, refuse);
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
  unknownNames: UnknownNames,
  refuse: StrictMessageOptions["refuse"],
) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const check = createJsonCheck(descriptor, unknownNames);
  return {
    decode(bytes: Uint8Array): string {
      const text = decoder.decode(bytes);
      const violations = check(text);
      if (violations.length > 0) {
        throw refuse(violations);
      }
      return text;
    },
  };
}
