// Prints the CPU that messages take to be checked and to be decoded: `node packages/strict-messages/measure.ts`.
import { create, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { createBinaryCheck } from "./src/binary-check.ts";
import { createJsonCheck } from "./src/json-check.ts";

const schema = BatchCreatePartnersRequestSchema;
const entry = create(CreatePartnerRequestSchema, {
  ...{
    companyName: "Example Supplies Ltd",
    salesAmount: 150_000,
    partnerType: 1,
    city: "New York",
  },
  ...{ email: "partner@example.com", frequency: "monthly", paymentTerms: "Net 30", state: "NY" },
  ...{ address: "123 Main St", postalCode: "12345", companyRegistrationNumber: "123456789" },
});
const batch = create(schema, { requests: Array.from({ length: 100 }, () => entry) });
const bytes = 2 * 1024 * 1024 - 64;
const checkJson = createJsonCheck(schema, "refuse");
const checkBinary = createBinaryCheck(schema, () => new Error("refused"));

const messages = {
  "a batch of 100": { json: toJsonString(schema, batch), binary: toBinary(schema, batch) },
  "a million empty entries": {
    json: `{"requests":[{}${",{}".repeat(bytes / 3 - 10)}]}`,
    binary: Buffer.alloc(bytes, Buffer.from([0x0a, 0])),
  },
};

for (const [name, { json, binary }] of Object.entries(messages)) {
  const figures = {
    "JSON, check": () => checkJson(json),
    "JSON, decode": () => fromJsonString(schema, json),
    "binary, check": () => attempt(() => checkBinary?.(binary)),
    "binary, decode": () => fromBinary(schema, binary),
  };
  for (const [what, run] of Object.entries(figures)) {
    console.log(`${name}: ${what}: ${microseconds(run).toFixed(1)} µs`);
  }
}

/** The CPU that a run takes, the compiler's part of it left out. */
function microseconds(run: () => unknown): number {
  const runFor = (milliseconds: number) => {
    let runs = 0;
    const { user, system } = process.cpuUsage();
    for (const end = performance.now() + milliseconds; performance.now() < end; runs++) {
      run();
    }
    const used = process.cpuUsage({ user, system });
    return (used.user + used.system) / runs;
  };
  runFor(300);
  return runFor(1000);
}

function attempt(run: () => void): void {
  try {
    run();
  } catch {
    // What is refused is measured, too.
  }
}
