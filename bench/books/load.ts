import type { Client } from "@connectrpc/connect";
import { PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";

export type Partners = Client<typeof PartnerService>;
export type CallHeaders = Readonly<Record<string, string>>;

/** Enough to keep the service and the database busy. */
const callers = 8;
const batchSize = 100;

/** Creates partners through the service, batch by batch, until the book has the wanted size. */
export async function loadBook(
  partners: Partners,
  headers: CallHeaders,
  size: number,
  wanted: number,
) {
  const start = performance.now();
  let next = size;
  let callsAnswered = 0;
  const call = async () => {
    while (next < wanted) {
      const first = next;
      next += batchSize;
      const requests = Array.from({ length: batchSize }, (_, index) => partnerAt(first + index));
      await partners.batchCreatePartners({ requests }, { headers });
      callsAnswered += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return { seconds: (performance.now() - start) / 1000, callsAnswered };
}

/** The partner with this number: the same in each run, and in no order's order. */
function partnerAt(number: number) {
  // Multiplication by an odd number permutes the 32-bit integers.
  const scattered = Math.imul(number, 0x9e3779b1) >>> 0;
  const name = scattered.toString(36);
  return {
    companyName: `Company ${name}`,
    salesAmount: scattered % 1_000_000,
    partnerType: scattered % 2 === 0 ? PartnerType.CUSTOMER : PartnerType.SUPPLIER,
    email: `${name}@example.com`,
    frequency: ["daily", "weekly", "monthly", "yearly"][scattered % 4] ?? "",
    paymentTerms: `Net ${(scattered % 9) * 10}`,
    address: "123 Main St, Suite 400",
    city: "New York",
    state: "NY",
    postalCode: "12345",
    companyRegistrationNumber: String(scattered),
    countryCode: "US",
  };
}
