import { clone, createFileRegistry, type DescFile, type DescService } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, type MethodDescriptorProto } from "@bufbuild/protobuf/wkt";
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
