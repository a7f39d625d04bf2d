import { type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  createServiceImplSpec,
  type MethodImpl,
  type ServiceImpl,
} from "@connectrpc/connect";
import { max_message_bytes } from "../../gen/access/v1/access_pb.ts";
import { readAccessRule } from "./access.ts";

type MountOptions = Parameters<ConnectRouter["rpc"]>[2];

/** Mounts the RPCs of a service, each with what the contract's options say of it. */
export function mountService<Service extends DescService>(
  router: ConnectRouter,
  service: Service,
  implementation: ServiceImpl<Service>,
  options: MountOptions,
): void {
  for (const { method, impl } of Object.values(
    createServiceImplSpec(service, implementation).methods,
  )) {
    const limits = hasOption(method, max_message_bytes)
      ? { readMaxBytes: getOption(method, max_message_bytes) }
      : {};
    // The two belong together; which kind of method it is does not matter here.
    router.rpc(method, impl as MethodImpl<typeof method>, { ...options, ...limits });
  }
}

/**
 * Sees to it that nothing is mounted without an access rule, whoever mounted it.
 *
 * @param publicServices are open to everyone.
 * @throws Error when any other service has an RPC without a rule.
 */
export function demandAccessRules(
  { handlers }: Pick<ConnectRouter, "handlers">,
  publicServices: readonly DescService[],
): void {
  for (const { service, method } of handlers) {
    if (!publicServices.includes(service)) {
      readAccessRule(method);
    }
  }
}
