import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import {
  type CallSample,
  type CallSettings,
  callSamples,
} from "../../../src/console/call-samples.ts";
import { exampleId, exampleRequest } from "../examples.ts";

type Language = CallSample["language"];

/** The variables of a shell that the calls of the page are made with. */
const ownBook: CallSettings = {
  url: "$PARTNER_URL",
  token: "$PARTNER_TOKEN",
  requester: "$PARTNER_ORGANIZATION",
  target: "$PARTNER_ORGANIZATION",
};

/** Of an RPC for one who is invited: the organization that invites is the target. */
const asGuest: CallSettings = {
  ...ownBook,
  token: "$PARTNER_GUEST_TOKEN",
  requester: "$PARTNER_GUEST",
};

const guestId = "6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11";
const invitationToken = "invitation_token";

/**
 * What the page's requests have besides the contract's examples. The calls are made one after the other, so
 * that what would take away what a later one needs is only checked.
 */
const changes: Readonly<Partial<Record<string, JsonObject>>> = {
  DeletePartner: { validateOnly: true },
  RevokeInvitation: { validateOnly: true },
  EndConnection: { organizationId: guestId, role: "CONNECTION_ROLE_HOST" },
};

/** What stands in place of examples that only a call before can tell, in each language. */
const names: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  [exampleId]: variable("PARTNER_ID", "partnerId", "partnerID", "partner_id"),
  [guestId]: variable("PARTNER_GUEST", "guestOrganization", "guestOrganization", "guest"),
  [invitationToken]: variable(
    ...(["INVITATION_TOKEN", "invitationToken", "invitationToken", "invitation_token"] as const),
  ),
};

function variable(curl: string, TypeScript: string, Go: string, Python: string) {
  return { curl: `"'"$${curl}"'"`, TypeScript, Go, Python };
}

/** What a call leaves for later ones. */
const kept: Readonly<Partial<Record<string, Readonly<Record<Language, string>>>>> = {
  CreatePartner: {
    curl: keptByShell("partner.json", "PARTNER_ID", "id"),
    TypeScript: '\nconst partnerId = createPartnerResponse.partner?.id ?? "";',
    Go: '\npartnerID := createPartnerResponse.GetPartner().GetId()\nfmt.Println("created", partnerID)',
    Python: "\npartner_id = response.partner.id",
  },
  InvitePartner: {
    curl: keptByShell("invitation.json", "INVITATION_TOKEN", "invitationToken"),
    TypeScript: "\nconst { invitationToken } = invitePartnerResponse;",
    Go: "\ninvitationToken := invitePartnerResponse.GetInvitationToken()",
    Python: "\ninvitation_token = response.invitation_token",
  },
};

function keptByShell(file: string, name: string, member: string): string {
  return ` | tee ${file}\n${name}=$(grep -o '"${member}":"[^"]*' ${file} | cut -d '"' -f 4)`;
}

/** The calls of an RPC that the page shows, which work as they are, one after the other. */
export function pageSamples(method: DescMethod, isForInvited: boolean): readonly CallSample[] {
  const request = { ...exampleRequest(method.input), ...changes[method.name] };
  const samples = callSamples(method, request, isForInvited ? asGuest : ownBook);
  return samples.map(({ language, code }) => {
    const named = Object.entries(names).reduce(
      (text, [example, inLanguage]) => text.replaceAll(`"${example}"`, inLanguage[language]),
      code,
    );
    const caller = isForInvited ? callAsGuest(named) : named;
    const shown = showAnswer[language](caller, `${method.localName}Response`);
    return { language, code: `${shown}${kept[method.name]?.[language] ?? ""}` };
  });
}

function callAsGuest(code: string): string {
  return code
    .replace(/\b(?:partners|client)\./, "guest.")
    .replace("metadata=metadata", "metadata=guest_metadata");
}

const onlyWholeBook = "or go on, to be told of each change";

/** Names the answers apart, and prints them. Of a stream, the whole book. */
const showAnswer: Readonly<Record<Language, (code: string, name: string) => string>> = {
  curl: (code) => code.replace("curl ", "curl -s "),
  TypeScript: (code, name) =>
    code.startsWith("for await")
      ? code.replace(/\n}$/, `\n    if (!response.more) break; // ${onlyWholeBook}\n}`)
      : `${code.replace("const response", `const ${name}`)}\nconsole.log(${name});`,
  Go: (code, name) =>
    code.startsWith("stream")
      ? code.replace(
          /\n}$/,
          `\n    if !stream.Msg().GetMore() {\n        break // ${onlyWholeBook}\n    }\n}`,
        )
      : `${code.replace("response", name)}\nif err != nil {\n    log.Fatal(err)\n}\nfmt.Println(${name})`,
  Python: (code) =>
    code.startsWith("for response")
      ? `${code}\n    if not response.more:\n        break  # ${onlyWholeBook}`
      : `${code}\nprint(response)`,
};
