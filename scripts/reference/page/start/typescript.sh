mkdir partners-typescript && cd partners-typescript
npm init --yes > /dev/null && npm pkg set type=module
npm install @bufbuild/protobuf @connectrpc/connect @connectrpc/connect-node
npm install --save-dev @bufbuild/buf @bufbuild/protoc-gen-es
curl -s "$PARTNER_URL/protos.tar" | tar -x
cat > buf.gen.yaml <<'END'
version: v2
inputs:
  - directory: proto
plugins:
  - local: protoc-gen-es
    out: gen
    opt: [target=ts, import_extension=ts, erasable_syntax=true]
END
npx buf generate
cat > partners.ts <<'END'
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { PartnerType } from "./gen/partner/v1/partner_pb.ts";
import { ConnectionRole, PartnerService } from "./gen/partner/v1/partner_service_pb.ts";

// Calls for the requester, with its token, about the book of the target.
function clientOf(token = "", requester = "", target = "") {
  const transport = createConnectTransport({
    baseUrl: process.env.PARTNER_URL ?? "",
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("Authorization", `Bearer ${token}`);
        request.header.set("Requester-Organization-ID", requester);
        request.header.set("Target-Organization-ID", target);
        return next(request);
      },
    ],
  });
  return createClient(PartnerService, transport);
}

const { PARTNER_TOKEN, PARTNER_ORGANIZATION, PARTNER_GUEST_TOKEN, PARTNER_GUEST } = process.env;
const partners = clientOf(PARTNER_TOKEN, PARTNER_ORGANIZATION, PARTNER_ORGANIZATION);
// Another organization, which is invited and accepts.
const guestOrganization = PARTNER_GUEST ?? "";
const guest = clientOf(PARTNER_GUEST_TOKEN, PARTNER_GUEST, PARTNER_ORGANIZATION);

CREATE_PARTNER
// The other calls of this page go here, one after the other.
END
node partners.ts
