// Creates a partner with Connect for Node, and handles two refusals.
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
} from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.ts";
import { InvitationStatusSchema, PartnerType } from "./gen/partner/v1/partner_pb.ts";
import { PartnerService } from "./gen/partner/v1/partner_service_pb.ts";

type PartnerClient = Client<typeof PartnerService>;
type NewPartner = Parameters<PartnerClient["createPartner"]>[0];

const {
  PARTNER_URL: baseUrl = "http://127.0.0.1:8080",
  PARTNER_TOKEN: token = "",
  PARTNER_ORGANIZATION: organization = "",
} = process.env;

const examplePartner: NewPartner = {
  companyName: "Example Supplies Ltd",
  salesAmount: 150000,
  partnerType: PartnerType.CUSTOMER,
  email: "partner@example.com",
  frequency: "monthly",
  paymentTerms: "Net 30",
  address: "123 Main St, Suite 400",
  city: "New York",
  state: "NY",
  postalCode: "12345",
  companyRegistrationNumber: "123456789",
  countryCode: "US",
};

const client = newClient(organization);
await report(client, examplePartner);
await report(client, { ...examplePartner, city: "" });
await report(newClient("6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11"), examplePartner);

/** A client that puts the token and the organizations on each call. */
function newClient(target: string): PartnerClient {
  const headers: Interceptor = (next) => (request) => {
    request.header.set("Authorization", `Bearer ${token}`);
    request.header.set("Requester-Organization-ID", organization);
    request.header.set("Target-Organization-ID", target);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: "1.1",
    interceptors: [headers],
  });
  return createClient(PartnerService, transport);
}

/** Prints what becomes of a call. Throws the errors that this program does not expect. */
async function report(client: PartnerClient, newPartner: NewPartner): Promise<void> {
  try {
    const { partner } = await client.createPartner(newPartner);
    const invitation = InvitationStatusSchema.value[partner?.invitationStatus ?? 0];
    console.log(`created ${partner?.companyName} ${invitation?.localName.toLowerCase()}`);
  } catch (error) {
    reportError(ConnectError.from(error));
  }
}

function reportError(error: ConnectError): void {
  const [info] = error.findDetails(ErrorInfoSchema);
  switch (error.code) {
    case Code.InvalidArgument:
      for (const { fieldViolations } of error.findDetails(BadRequestSchema)) {
        for (const { field } of fieldViolations) {
          console.log(`invalid_argument ${info?.reason} ${field}`);
        }
      }
      return;
    case Code.PermissionDenied:
      console.log(`permission_denied ${info?.reason}`);
      return;
    default:
      throw error;
  }
}
