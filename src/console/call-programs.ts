import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { requesterHeader, targetHeader } from "../interceptors/organization-headers.ts";
import { type CallSample, type CallSettings, callSamples } from "./call-samples.ts";

/** The call in each language, as the reference shows it, after what it takes to make it. */
export function callPrograms(
  method: DescMethod,
  request: JsonObject,
  settings: CallSettings,
): readonly CallSample[] {
  return callSamples(method, request, settings).map(({ language, code }) => {
    const before = setUp[language](code, settings);
    return { language, code: before === "" ? code : `${before}\n\n${code}` };
  });
}

const setUp: Readonly<
  Record<CallSample["language"], (code: string, settings: CallSettings) => string>
> = {
  curl: () => "",
  TypeScript(code, { url, token, requester, target }) {
    const enums = new Set([...code.matchAll(/\b([A-Z]\w+)\.[A-Z_]+\b/g)].map(([, name]) => name));
    const imported = ["createPartnerClient", ...enums].join(", ");
    return `import { createConnectTransport } from "@connectrpc/connect-web";
import { ${imported} } from "@partner-service/client";

const partners = createPartnerClient({
  transport: createConnectTransport({ baseUrl: ${JSON.stringify(url)} }),
  token: ${JSON.stringify(token)},
  organization: ${JSON.stringify(requester)},${
    target === requester ? "" : `\n  target: ${JSON.stringify(target)},`
  }
});`;
  },
  Go(_code, { url, token, requester, target }) {
    const { host, protocol } = new URL(url);
    const secure = protocol === "https:" ? "credentials.NewTLS(nil)" : "insecure.NewCredentials()";
    return `connection, err := grpc.NewClient("${host}",
    grpc.WithTransportCredentials(${secure}))
if err != nil {
    log.Fatal(err)
}
client := partnerv1.NewPartnerServiceClient(connection)
ctx := metadata.AppendToOutgoingContext(context.Background(),
    "authorization", "Bearer ${token}",
    "${requesterHeader.toLowerCase()}", "${requester}",
    "${targetHeader.toLowerCase()}", "${target}",
)`;
  },
  Python(_code, { url, token, requester, target }) {
    const { host, protocol } = new URL(url);
    const channel =
      protocol === "https:"
        ? `grpc.secure_channel("${host}", grpc.ssl_channel_credentials())`
        : `grpc.insecure_channel("${host}")`;
    return `stub = PartnerServiceStub(${channel})
metadata = (
    ("authorization", "Bearer ${token}"),
    ("${requesterHeader.toLowerCase()}", "${requester}"),
    ("${targetHeader.toLowerCase()}", "${target}"),
)`;
  },
};
