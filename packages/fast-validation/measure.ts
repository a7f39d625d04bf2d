// What the short way buys: `node packages/fast-validation/measure.ts`, from the repository's root.
import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import { CreatePartnerRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import { createFastValidator } from "./src/index.ts";

const text = "Example Supplies Ltd";
const message = create(CreatePartnerRequestSchema, {
  ...{ companyName: text, salesAmount: 150_000, partnerType: PartnerType.CUSTOMER },
  ...{ email: "partner@example.com", frequency: "monthly", paymentTerms: "Net 30" },
  ...{ address: text, city: "New York", state: "NY", postalCode: "12345" },
  ...{ companyRegistrationNumber: "123456789", countryCode: "US" },
});

const slow = createValidator();
const validators = { protovalidate: slow, "fast-validation": createFastValidator(slow) };
const calls = 50_000;
for (const round of ["warm-up", "measured"]) {
  for (const [name, validator] of Object.entries(validators)) {
    const start = process.cpuUsage();
    for (let call = 0; call < calls; call += 1) {
      validator.validate(CreatePartnerRequestSchema, message);
    }
    const { user, system } = process.cpuUsage(start);
    if (round === "measured") {
      console.log(`${name}: ${((user + system) / calls).toFixed(2)} µs of CPU a message`);
    }
  }
}
