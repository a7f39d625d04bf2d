// Creates a partner with @grpc/grpc-js, and handles two refusals.
import { promisify } from "node:util";
import {
  status as Code,
  credentials,
  InterceptingCall,
  loadPackageDefinition,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const { PARTNER_URL, PARTNER_TOKEN, PARTNER_ORGANIZATION } = process.env;

const contract = loadSync(
  ["partner/v1/partner_service.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"],
  { includeDirs: ["proto"], enums: String },
);
const { PartnerService } = loadPackageDefinition(contract).partner.v1;

const examplePartner = {
  companyName: "Example Supplies Ltd",
  salesAmount: 150000,
  partnerType: "PARTNER_TYPE_CUSTOMER",
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

const client = newClient(PARTNER_ORGANIZATION);
await report(client, examplePartner);
await report(client, { ...examplePartner, city: "" });
await report(newClient("6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11"), examplePartner);

/** A client that puts the token and the organizations on each call. */
function newClient(target) {
  const headers = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set("authorization", `Bearer ${PARTNER_TOKEN}`);
        metadata.set("requester-organization-id", PARTNER_ORGANIZATION);
        metadata.set("target-organization-id", target);
        next(metadata, listener);
      },
    });
  const { host, protocol } = new URL(PARTNER_URL);
  const channel = protocol === "http:" ? credentials.createInsecure() : credentials.createSsl();
  return new PartnerService(host, channel, { interceptors: [headers] });
}

/** Prints what becomes of a call. Throws the errors that this program does not expect. */
async function report(client, newPartner) {
  const createPartner = promisify(client.createPartner).bind(client);
  try {
    const { partner } = await createPartner(newPartner);
    const invitation = partner.invitationStatus.replace("INVITATION_STATUS_", "");
    console.log(`created ${partner.companyName} ${invitation.toLowerCase()}`);
  } catch (error) {
    reportError(error);
  }
}

function reportError(error) {
  const info = findDetail(error, "google.rpc.ErrorInfo");
  const badRequest = findDetail(error, "google.rpc.BadRequest");
  switch (error.code) {
    case Code.INVALID_ARGUMENT:
      for (const { field } of badRequest?.fieldViolations ?? []) {
        console.log(`invalid_argument ${info?.reason} ${field}`);
      }
      return;
    case Code.PERMISSION_DENIED:
      console.log(`permission_denied ${info?.reason}`);
      return;
    default:
      throw error;
  }
}

/** The error's detail of a message type, which the trailer `grpc-status-details-bin` holds. */
function findDetail(error, typeName) {
  for (const bytes of error.metadata?.get("grpc-status-details-bin") ?? []) {
    const { details } = contract["google.rpc.Status"].deserialize(bytes);
    const detail = details.find(({ type_url }) => type_url.endsWith(`/${typeName}`));
    if (detail !== undefined) {
      return contract[typeName].deserialize(detail.value);
    }
  }
  return undefined;
}
