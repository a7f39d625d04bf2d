import { createConnectTransport } from "@connectrpc/connect-web";
import { createPartnerClient, watchPartners } from "../../packages/client/src/index.ts";

/** What the test gives the page. */
declare const given: {
  readonly baseUrl: string;
  readonly token: string;
  readonly organization: string;
};
/** What tells the test. */
declare function tell(names: readonly string[]): Promise<void>;

const { baseUrl, token, organization } = given;
const transport = createConnectTransport({ baseUrl });
const partners = createPartnerClient({ transport, token, organization });
for await (const { changes } of watchPartners(partners)) {
  await tell(
    changes.map(({ change }) =>
      change.case === "partner" ? (change.value.companyName ?? "") : `deleted ${change.value?.id}`,
    ),
  );
}
