import { createRegistry, type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import * as v1 from "../gen/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";

/** The two versions are alike. */
type Request = v1.ServerReflectionRequest | v1alpha.ServerReflectionRequest;

type Answer =
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | {
      case: "allExtensionNumbersResponse";
      value: { baseTypeName: string; extensionNumber: number[] };
    }
  | { case: "errorResponse"; value: { errorCode: Code; errorMessage: string } };

/**
 * Mounts grpc.reflection.v1 and v1alpha, so that tools such as grpcurl and `buf curl` can call the
 * services without having their .proto files.
 *
 * Each file is serialized once, and answers are not compressed: asking costs some forty bytes.
 *
 * @param furtherFiles hold what no service imports: the details of errors.
 * @param options are those that the router takes for a service.
 */
export function mountReflection(
  router: ConnectRouter,
  services: readonly DescService[],
  furtherFiles: readonly DescFile[],
  options: Parameters<ConnectRouter["service"]>[2] = {},
): void {
  const openSession = createReflection(
    [...services, v1.ServerReflection, v1alpha.ServerReflection],
    furtherFiles,
  );
  const uncompressed = { ...options, compressMinBytes: Number.MAX_SAFE_INTEGER };

  async function* reflect<R extends Request>(requests: AsyncIterable<R>) {
    const answer = openSession();
    for await (const request of requests) {
      yield {
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(request.messageRequest),
      };
    }
  }

  router.service(v1.ServerReflection, { serverReflectionInfo: reflect }, uncompressed);
  router.service(v1alpha.ServerReflection, { serverReflectionInfo: reflect }, uncompressed);
}

/** Makes what answers the requests of a stream. */
function createReflection(services: readonly DescService[], furtherFiles: readonly DescFile[]) {
  const files = collectFiles([...services.map(({ file }) => file), ...furtherFiles]);
  const registry = createRegistry(...files.values());
  const serialized = new Map<DescFile, Uint8Array>();

  function serialize(file: DescFile): Uint8Array {
    const bytes = serialized.get(file) ?? toBinary(FileDescriptorProtoSchema, file.proto);
    serialized.set(file, bytes);
    return bytes;
  }

  /** A file comes with all that it imports, but for what the stream has answered before. */
  function fileAnswer(file: DescFile | undefined, sent: Set<DescFile>): Answer {
    if (file === undefined) {
      return errorAnswer(Code.NotFound, "unknown file or symbol");
    }
    const imported = [...collectFiles([file]).values()].filter((each) => !sent.has(each));
    const unsent = [file, ...imported.filter((each) => each !== file)];
    for (const each of unsent) {
      sent.add(each);
    }
    return {
      case: "fileDescriptorResponse",
      value: { fileDescriptorProto: unsent.map(serialize) },
    };
  }

  function answer(request: Request["messageRequest"], sent: Set<DescFile>): Answer {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        };
      case "fileByFilename":
        return fileAnswer(files.get(request.value), sent);
      case "fileContainingSymbol":
        return fileAnswer(fileOfSymbol(request.value), sent);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = request.value;
        const message = registry.getMessage(containingType);
        return fileAnswer(
          message && registry.getExtensionFor(message, extensionNumber)?.file,
          sent,
        );
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

  return () => {
    const sent = new Set<DescFile>();
    return (request: Request["messageRequest"]) => answer(request, sent);
  };
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
