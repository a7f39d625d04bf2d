import {
  InvitationStatus,
  type Partner,
  type PartnerType,
  PartnerTypeSchema,
} from "../../gen/partner/v1/partner_pb.ts";

/** A partner in a line: the company, what it is to the organization, and whether they are connected. */
export function PartnerSummary({ partner }: { readonly partner: Partner }) {
  const { companyName, partnerType, salesAmount = 0, city, countryCode } = partner;
  const place = [city, countryCode].filter((part) => part !== undefined).join(", ");
  return (
    <>
      <a id={`partner-${partner.id}`} href={`#Book/${partner.id}`}>
        {companyName}
      </a>
      <span class="summary">
        {typeName(partnerType)} · {salesAmount.toLocaleString("en")} a year · {place}
      </span>
      <ConnectionTag partner={partner} />
    </>
  );
}

/** What a partner is to the organization: `customer`. */
export function typeName(type: PartnerType): string {
  return PartnerTypeSchema.value[type]?.localName.toLowerCase() ?? "";
}

/** How far a partner is on its way into the network. */
export function ConnectionTag({ partner }: { readonly partner: Partner }) {
  if (partner.invitationStatus === InvitationStatus.ACCEPTED) {
    return <span class="tag read">connected</span>;
  }
  return partner.invitationExpiresAt === undefined ? (
    <span class="tag plain">not connected</span>
  ) : (
    <span class="tag">invitation pending</span>
  );
}
