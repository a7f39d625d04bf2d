import type { DescMethodUnary } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImplSpec,
} from "@connectrpc/connect";
import {
  createMethodSerializationLookup,
  type UniversalHandlerOptions,
  validateUniversalHandlerOptions,
} from "@connectrpc/connect/protocol";
import { createPlainJson, type PlainJson } from "./plain-json.ts";
import type { MaxItems } from "./plain-json-reader.ts";

/** What is known of requests before they are decoded. */
export interface RequestChecks {
  /**
   * Gives what checks a method's messages in binary before they are decoded, by throwing; undefined
   * for a method whose messages need no check.
   */
  readonly binaryCheckOf?: (method: DescMethodUnary) => ((message: Uint8Array) => void) | undefined;
  /** Lists of messages in JSON that may be longer are left to Connect. */
  readonly maxItemsOf?: MaxItems;
}

/** A unary RPC with all that is needed to serve it. */
export interface UnaryMethod {
  readonly spec: Extract<MethodImplSpec, { kind: "unary" }>;
  readonly options: UniversalHandlerOptions;
  readonly serialization: ReturnType<typeof createMethodSerializationLookup>;
  readonly plainJson: PlainJson;
  /** Throws for a message in binary that is not to be decoded. */
  readonly checkBinary: ((message: Uint8Array) => void) | undefined;
  /** Connect's names of the protocols in which it is served. */
  readonly protocols: readonly string[];
}

/**
 * The options that the lane knows, of the plugin, of the router and of what is mounted. What it does
 * for a call follows from these alone: a call to which another option applies is the plugin's.
 */
const knownOptions: ReadonlySet<string> = new Set([
  ...["routes", "contextValues", "binaryCheckOf", "maxItemsOf"],
  ...["grpc", "grpcWeb", "connect"],
  ...["acceptCompression", "compressMinBytes", "readMaxBytes", "writeMaxBytes", "maxTimeoutMs"],
  ...["jsonOptions", "binaryOptions", "interceptors", "requestGate"],
]);

function areKnown(options: object): boolean {
  return Object.entries(options).every(
    ([name, value]) => value === undefined || knownOptions.has(name),
  );
}

/**
 * Passes on to the router what is mounted, and keeps by its path each unary method that the lane can
 * serve.
 *
 * @param base - the options that the router was created with
 */
export function recordUnaryMethods(
  router: ConnectRouter,
  base: Partial<UniversalHandlerOptions> & RequestChecks,
  methods: Map<string, UnaryMethod>,
): ConnectRouter {
  function record(spec: MethodImplSpec, more: Partial<UniversalHandlerOptions> = {}): void {
    const handler = router.handlers.findLast(({ method }) => method === spec.method);
    // As the router itself joins them: what a service is mounted with replaces the base.
    const options = validateUniversalHandlerOptions({ ...base, ...more });
    if (spec.kind === "unary" && handler !== undefined && areKnown(base) && areKnown(more)) {
      const { binaryOptions, jsonOptions } = options;
      methods.set(handler.requestPath, {
        spec,
        options,
        serialization: createMethodSerializationLookup(
          spec.method,
          binaryOptions,
          jsonOptions,
          options,
        ),
        plainJson: createPlainJson(spec.method, options, base.maxItemsOf),
        checkBinary: base.binaryCheckOf?.(spec.method),
        protocols: handler.protocolNames,
      });
    }
  }

  const recorder: ConnectRouter = {
    handlers: router.handlers,
    service(service, implementation, options) {
      router.service(service, implementation, options);
      for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) {
        record(spec, options);
      }
      return recorder;
    },
    rpc(method, implementation, options) {
      router.rpc(method, implementation, options);
      record(createMethodImplSpec(method, implementation), options);
      return recorder;
    },
  };
  return recorder;
}
