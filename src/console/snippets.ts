import { type DescMethodUnary, type Message, toJson } from "@bufbuild/protobuf";
import { type Caller, callHeaders } from "./call.ts";

/** The call as a shell command that works as pasted. */
export function curlCommand(method: DescMethodUnary, message: Message, caller: Caller): string {
  const headers = { "Content-Type": "application/json", ...callHeaders(caller) };
  return [
    `curl ${location.origin}/${method.parent.typeName}/${method.name}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    `-d ${quote(requestJson(method, message))}`,
  ].join(" \\\n  ");
}

/** The call as a program, with the code that is generated from the contract. */
export function typeScriptProgram(
  method: DescMethodUnary,
  message: Message,
  caller: Caller,
): string {
  const { parent: service } = method;
  const headers = indent(JSON.stringify(callHeaders(caller), undefined, 2));
  return `import { fromJson } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import {
  ${method.input.name}Schema,
  ${service.name},
} from "./gen/${service.file.name}_pb.ts";

const partners = createClient(
  ${service.name},
  createConnectTransport({ baseUrl: ${JSON.stringify(location.origin)} }),
);

const answer = await partners.${method.localName}(
  fromJson(${method.input.name}Schema, ${indent(requestJson(method, message))}),
  { headers: ${headers} },
);
console.log(answer);
`;
}

function requestJson({ input }: DescMethodUnary, message: Message): string {
  return JSON.stringify(toJson(input, message), undefined, 2);
}

function indent(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/** A text as one word of a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
