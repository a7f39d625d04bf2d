import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import { Told, useAction } from "./action.tsx";
import { AskingButton } from "./asking-button.tsx";
import type { Caller } from "./caller.ts";
import { sentence } from "./form-fields.ts";
import { organizationName } from "./organizations.ts";
import { PartnerConnection } from "./partner-connection.tsx";
import { partnerFields, type Unsaved, valuesOf } from "./partner-edit.ts";
import { NewPartnerForm, PartnerForm } from "./partner-form.tsx";
import { ConnectionTag } from "./partner-summary.tsx";
import { partnersAs } from "./partners-client.ts";
import type { Go } from "./place.ts";
import { useLoaded } from "./use-loaded.ts";

interface PartnerPanelProps {
  readonly caller: Caller;
  /** The partner's id, or `new`. */
  readonly id: string;
  /** Grows when the partner may have changed. */
  readonly version: string;
  readonly unsaved: Unsaved;
  readonly onChange: () => void;
  /** Opens the partner in the place of this one. */
  readonly onAdd: (partner: Partner) => void;
  readonly onDelete: (partner: Partner) => void;
  /** Takes the partner into the forms of the RPCs. */
  readonly onUse: (partner: Partner) => void;
  readonly go: Go;
}

/** A partner that is open: its own book's owner works on it, a host reads it. */
export function PartnerPanel(props: PartnerPanelProps) {
  const { id, caller, unsaved, onChange, onAdd } = props;
  if (id === "new") {
    return (
      <section class="panel partner" aria-labelledby="partner-heading">
        <header>
          <h2 id="partner-heading" tabIndex={-1}>
            A new partner
          </h2>
          <CloseLink />
        </header>
        <NewPartnerForm
          caller={caller}
          unsaved={unsaved}
          onSaved={(partner) => {
            onChange();
            onAdd(partner);
          }}
        />
      </section>
    );
  }
  return <StoredPartner {...props} />;
}

function CloseLink() {
  return (
    <a class="button quiet" href="#Book">
      Close<span class="visually-hidden"> the partner</span>
    </a>
  );
}

function StoredPartner(props: PartnerPanelProps) {
  const { caller, id, version, unsaved, onChange, onDelete, onUse, go } = props;
  const partners = partnersAs(caller);
  const action = useAction();
  const {
    value: partner,
    failure,
    set,
    retry,
  } = useLoaded(async () => (await partners.getPartner({ id })).partner, version);
  const isOwn = caller.requester === caller.target;

  function take(changed: Partner | undefined) {
    if (changed !== undefined) {
      set(changed);
    }
    onChange();
  }

  const remove = ({ etag }: Partner) =>
    action.run(async () => {
      try {
        await partners.deletePartner({ id, etag });
      } finally {
        onChange();
      }
      if (partner !== undefined) {
        onDelete(partner);
      }
      return "Deleted.";
    });

  return (
    <section class="panel partner" aria-labelledby="partner-heading">
      <header>
        <h2 id="partner-heading" tabIndex={-1}>
          {partner?.companyName ?? "Partner"}
        </h2>
        {partner !== undefined && <ConnectionTag partner={partner} />}
        <CloseLink />
      </header>
      {failure !== "" && (
        <div class="notice" role="status">
          <p>{failure}</p>
          <button
            type="button"
            onClick={() => {
              document.getElementById("partner-heading")?.focus();
              retry();
            }}
          >
            Try again
          </button>
        </div>
      )}
      {partner !== undefined && !isOwn && (
        <>
          <p class="hint">Only {organizationName(caller.target)} changes what is in its book.</p>
          <PartnerFacts partner={partner} />
        </>
      )}
      {partner !== undefined && isOwn && (
        <>
          <PartnerConnection caller={caller} partner={partner} onChange={take} go={go} />
          <PartnerForm
            caller={caller}
            partner={partner}
            unsaved={unsaved}
            onSaved={take}
            onStale={retry}
          />
        </>
      )}
      {partner !== undefined && (
        <footer class="actions">
          <button
            type="button"
            class="quiet"
            onClick={() => {
              onUse(partner);
              go({ page: isOwn ? "UpdatePartner" : "GetPartner" });
            }}
          >
            Use in the RPC forms
          </button>
          {isOwn && (
            <AskingButton
              label="Delete…"
              question={`Delete ${partner.companyName}?`}
              consequence="It is gone for good. A pending invitation is void, and a connection that came from it ends."
              yes="Delete the partner"
              onYes={() => remove(partner)}
            />
          )}
          <Told action={action} />
        </footer>
      )}
    </section>
  );
}

function PartnerFacts({ partner }: { readonly partner: Partner }) {
  const values = valuesOf(partner);
  return (
    <dl class="facts-list">
      {partnerFields
        .filter(({ path }) => values[path] !== "")
        .map(({ path, name, input }) => (
          <div key={path}>
            <dt>{sentence(name)}</dt>
            <dd>
              {input.kind === "choice"
                ? input.options.find(({ value }) => value === values[path])?.label
                : values[path]}
            </dd>
          </div>
        ))}
    </dl>
  );
}
