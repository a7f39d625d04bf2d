import {
  create,
  createRegistry,
  type DescFile,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import * as v1 from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../../../gen/grpc/reflection/v1alpha/reflection_pb.ts";

type Answer = NonNullable<
  MessageInitShape<typeof v1.ServerReflectionResponseSchema>["messageResponse"]
>;

/**
 * Mounts grpc.reflection.v1 and v1alpha, so that tools such as grpcurl and `buf curl` can call the
 * services without having their .proto files. The two versions are alike on the wire.
 *
 * @param furtherFiles hold what no service imports: the details of errors.
 */
export function mountReflection(
  router: ConnectRouter,
  services: readonly DescService[],
  furtherFiles: readonly DescFile[],
  options?: Parameters<ConnectRouter["service"]>[2],
): void {
  const reflect = createReflection(
    [...services, v1.ServerReflection, v1alpha.ServerReflection],
    furtherFiles,
  );

  router.service(
    v1.ServerReflection,
    {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          yield reflect(request);
        }
      },
    },
    options,
  );
  router.service(
    v1alpha.ServerReflection,
    {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          const answer = reflect(
            convert(
              v1alpha.ServerReflectionRequestSchema,
              request,
              v1.ServerReflectionRequestSchema,
            ),
          );
          yield convert(
            v1.ServerReflectionResponseSchema,
            answer,
            v1alpha.ServerReflectionResponseSchema,
          );
        }
      },
    },
    options,
  );
}

function convert<From extends DescMessage, To extends DescMessage>(
  from: From,
  message: MessageShape<From>,
  to: To,
): MessageShape<To> {
  return fromBinary(to, toBinary(from, message));
}

function createReflection(services: readonly DescService[], furtherFiles: readonly DescFile[]) {
  const files = collectFiles([...services.map(({ file }) => file), ...furtherFiles]);
  const registry = createRegistry(...files.values());

  function answer(request: v1.ServerReflectionRequest["messageRequest"]): Answer {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        };
      case "fileByFilename":
        return fileAnswer(files.get(request.value));
      case "fileContainingSymbol":
        return fileAnswer(fileOfSymbol(request.value));
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = request.value;
        const message = registry.getMessage(containingType);
        return fileAnswer(message && registry.getExtensionFor(message, extensionNumber)?.file);
      }
      case "allExtensionNumbersOfType":
        return extensionNumbersAnswer(request.value);
      default:
        return errorAnswer(Code.InvalidArgument, "the request asks for nothing");
    }
  }

  /** A symbol is a type, or a member of one: a method, a field, an enum's value. */
  function fileOfSymbol(symbol: string): DescFile | undefined {
    const container = symbol.slice(0, Math.max(symbol.lastIndexOf("."), 0));
    return (registry.get(symbol) ?? registry.get(container))?.file;
  }

  function extensionNumbersAnswer(typeName: string): Answer {
    if (registry.getMessage(typeName) === undefined) {
      return errorAnswer(Code.NotFound, "unknown type");
    }
    const extensionNumber = [...registry]
      .filter((type) => type.kind === "extension" && type.extendee.typeName === typeName)
      .map((type) => (type.kind === "extension" ? type.number : 0));
    return {
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: typeName, extensionNumber },
    };
  }

  return (request: v1.ServerReflectionRequest): v1.ServerReflectionResponse =>
    create(v1.ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: answer(request.messageRequest),
    });
}

/** A file comes with all that it imports. */
function fileAnswer(file: DescFile | undefined): Answer {
  if (file === undefined) {
    return errorAnswer(Code.NotFound, "unknown file or symbol");
  }
  const fileDescriptorProto = [...collectFiles([file]).values()].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function errorAnswer(code: Code, message: string): Answer {
  return { case: "errorResponse", value: { errorCode: code, errorMessage: message } };
}

/** The files and all that they import, by their full names, the given files first. */
function collectFiles(roots: readonly DescFile[]): Map<string, DescFile> {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    const name = file.proto.name;
    if (!files.has(name)) {
      files.set(name, file);
      file.dependencies.forEach(add);
    }
  };
  roots.forEach(add);
  return files;
}
