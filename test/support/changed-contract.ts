import {
  clone,
  create,
  createFileRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  type MethodDescriptorProto,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { AccessRuleSchema, access_rule } from "../../gen/access/v1/access_pb.ts";
import {
  file_partner_v1_partner_service,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";

/** The partner service with each of its RPCs changed, for what the contract allows and has none of. */
export function changePartnerService(change: (method: MethodDescriptorProto) => void): DescService {
  const proto = clone(FileDescriptorProtoSchema, file_partner_v1_partner_service.proto);
  proto.service.flatMap((service) => service.method).forEach(change);
  const files = new Map<string, DescFile>();
  const collect = (file: DescFile) => {
    files.set(file.proto.name, file);
    file.dependencies.forEach(collect);
  };
  collect(file_partner_v1_partner_service);
  const service = createFileRegistry(proto, (name) => files.get(name)).getService(
    PartnerService.typeName,
  );
  if (service === undefined) {
    throw new Error("The changed contract has no such service.");
  }
  return service;
}

/** The partner service with one access rule for all of its RPCs. */
export function withAccessRule(rule: MessageInitShape<typeof AccessRuleSchema>): DescService {
  return changePartnerService((method) => {
    method.options ??= create(MethodOptionsSchema);
    setExtension(method.options, access_rule, create(AccessRuleSchema, rule));
  });
}
