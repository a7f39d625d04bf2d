import { type Partner, PartnerType, type Violation } from "@partner-service/client";
import { type ReactNode, type SubmitEvent, useEffect, useId, useRef } from "react";

/** What a person can set, in the form's order; the rules of each are the service's. */
export const labels = {
  companyName: "Company name",
  partnerType: "Type",
  salesAmount: "Sales amount",
  email: "E-mail",
  frequency: "Frequency",
  paymentTerms: "Payment terms",
  address: "Address",
  city: "City",
  state: "State",
  postalCode: "Postal code",
  countryCode: "Country code (optional)",
  companyRegistrationNumber: "Registration number",
} as const;

export type FieldName = keyof typeof labels;
export type PartnerValues = Pick<Partner, FieldName>;

/** The names of the fields, in the form's order. */
// Object.keys loses the type of the keys.
export const fieldNames = Object.keys(labels) as FieldName[];

interface PartnerFormProps {
  title: string;
  /** What the form is filled with at first. */
  values?: PartnerValues;
  violations: readonly Violation[];
  isSaving: boolean;
  onSave: (values: PartnerValues) => void;
  onClose: () => void;
  /** What is to be told above the buttons. */
  children: ReactNode;
}

export function PartnerForm(props: PartnerFormProps) {
  const { title, values, violations, isSaving, onSave, onClose, children } = props;
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (violations.length > 0) {
      form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
    }
  }, [violations]);

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    onSave(readValues(new FormData(event.currentTarget)));
  }

  return (
    <form ref={form} aria-label={title} onSubmit={submit}>
      <h2>{title}</h2>
      {fieldNames.map((name) => (
        <Field
          key={name}
          name={name}
          value={values?.[name]}
          problems={violations.filter(({ path }) => path === name)}
        />
      ))}
      {children}
      <p>
        <button type="submit" disabled={isSaving}>
          {isSaving ? "Saving…" : "Save"}
        </button>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </p>
    </form>
  );
}

interface FieldProps {
  name: FieldName;
  value: PartnerValues[FieldName];
  problems: readonly Violation[];
}

function Field({ name, value, problems }: FieldProps) {
  const id = useId();
  const attributes = {
    ...{ id, name, defaultValue: value },
    "aria-invalid": problems.length > 0,
    "aria-describedby": `${id}-problems`,
  };
  return (
    <div>
      <label htmlFor={id}>{labels[name]}</label>
      {name === "partnerType" ? (
        <select {...attributes}>
          <option value={PartnerType.CUSTOMER}>Customer</option>
          <option value={PartnerType.SUPPLIER}>Supplier</option>
        </select>
      ) : name === "salesAmount" ? (
        <input {...attributes} type="number" min={0} max={2_147_483_647} required />
      ) : (
        <input {...attributes} />
      )}
      <span id={`${id}-problems`}>{problems.map(({ message }) => message).join("; ")}</span>
    </div>
  );
}

function readValues(form: FormData): PartnerValues {
  const text = (name: FieldName) => String(form.get(name));
  return {
    companyName: text("companyName"),
    partnerType:
      text("partnerType") === String(PartnerType.SUPPLIER)
        ? PartnerType.SUPPLIER
        : PartnerType.CUSTOMER,
    salesAmount: Number(text("salesAmount")),
    email: text("email"),
    frequency: text("frequency"),
    paymentTerms: text("paymentTerms"),
    address: text("address"),
    city: text("city"),
    state: text("state"),
    postalCode: text("postalCode"),
    // Absent, where others are empty and refused: it is the one that a partner need not have.
    countryCode: text("countryCode") || undefined,
    companyRegistrationNumber: text("companyRegistrationNumber"),
  };
}
