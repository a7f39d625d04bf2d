import { useMemo } from "preact/hooks";
import { type Connection, ConnectionRole } from "../../gen/partner/v1/partner_service_pb.ts";
import { AcceptInvitation } from "./accept-invitation.tsx";
import { Told, useAction } from "./action.tsx";
import { AskingButton } from "./asking-button.tsx";
import type { Caller } from "./caller.ts";
import { readConnections } from "./connecting.ts";
import { organizationName } from "./organizations.ts";
import { typeName } from "./partner-summary.tsx";
import { partnersAs } from "./partners-client.ts";
import type { Go } from "./place.ts";
import { Time } from "./times.tsx";
import { useLoaded } from "./use-loaded.ts";

interface ConnectionsProps {
  readonly caller: Caller;
  readonly changes: number;
  readonly onChange: () => void;
  readonly go: Go;
}

/** Whose books the requester reads, who reads its own, and the way to one more. */
export function Connections({ caller, changes, onChange, go }: ConnectionsProps) {
  const own = useMemo(() => ({ ...caller, target: caller.requester }), [caller]);
  const list = useLoaded(() => readConnections(own), changes);
  const action = useAction();
  const name = organizationName(own.requester);

  const end = ({ organizationId, role }: Connection) =>
    action.run(async () => {
      await partnersAs(own).endConnection({ organizationId, role });
      list.set(await readConnections(own));
      onChange();
      const other = organizationName(organizationId);
      return role === ConnectionRole.HOST
        ? `${name} reads the book of ${other} no more.`
        : `${other} reads the book of ${name} no more.`;
    });

  return (
    <>
      <section class="panel connections" aria-labelledby="connections-heading">
        <header>
          <h2 id="connections-heading">
            Connections of {name}
            {list.value !== undefined && <span class="badge">{list.value.length}</span>}
          </h2>
          <button type="button" class="quiet" onClick={list.retry}>
            Look again
          </button>
        </header>
        <Told action={action} />
        {list.failure !== "" && (
          <p class="notice" role="status">
            The connections cannot be shown. {list.failure}
          </p>
        )}
        {list.value?.length === 0 && (
          <p class="hint">
            There is none. Invite a partner of the book, or accept an invitation of another
            organization.
          </p>
        )}
        <ul class="rows">
          {list.value?.map((connection) => (
            <ConnectionRow
              key={`${connection.organizationId} ${connection.role}`}
              connection={connection}
              name={name}
              onEnd={() => end(connection)}
              go={go}
            />
          ))}
        </ul>
      </section>
      <AcceptInvitation caller={own} onAccepted={onChange} />
    </>
  );
}

interface ConnectionRowProps {
  readonly connection: Connection;
  /** The requester's. */
  readonly name: string;
  readonly onEnd: () => void;
  readonly go: Go;
}

function ConnectionRow({ connection, name, onEnd, go }: ConnectionRowProps) {
  const { organizationId, role, partners, connectedAt } = connection;
  const other = organizationName(organizationId);
  const types = partners.map(({ partnerType }) => typeName(partnerType)).join(" and ");
  const isHost = role === ConnectionRole.HOST;
  return (
    <li>
      <strong>
        {isHost ? `${name} reads the book of ${other}` : `${other} reads the book of ${name}`}
      </strong>
      <span class="summary">
        {isHost ? `its ${types}` : `as its ${types}`} · since <Time of={connectedAt} />
      </span>
      <span class="actions">
        {isHost && (
          <button
            type="button"
            class="quiet"
            onClick={() => go({ page: "Book", scenario: "host", target: organizationId })}
          >
            Open the book<span class="visually-hidden"> of {other}</span>
          </button>
        )}
        <AskingButton
          label="End…"
          question={`End the connection with ${other}?`}
          consequence={
            isHost
              ? `${name} cannot read the book of ${other} any more, from the next call on.`
              : `${other} cannot read the book of ${name} any more, from the next call on.`
          }
          yes="End the connection"
          onYes={onEnd}
        />
      </span>
    </li>
  );
}
