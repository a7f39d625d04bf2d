import type { ServiceImpl } from "@connectrpc/connect";
import { uuidV5 } from "@partner-service/postgres-statements";
import { entryOf, type Violation } from "@partner-service/strict-messages";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import type {
  BatchCreatePartnersRequest,
  BatchCreatePartnersResponse,
  BatchCreatePartnersResult,
  CreatePartnerRequest,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { askerOf, entryViolationsKey } from "../context.ts";
import type { NewBatch } from "../partners/partner-batch.ts";
import type { Outcome } from "../partners/partner-conflicts.ts";
import type { NewPartner } from "../partners/partner-entity.ts";
import { fieldsInvalid, type PartnerError, violation } from "../partners/partner-error.ts";
import type { PartnerRepository } from "../partners/partner-repository.ts";
import { chooseWrites } from "./choose-writes.ts";
import { toNewPartner, toPartnerMessage } from "./partner-mapping.ts";

/** What the error of an entry is for the caller, in an answer that has several outcomes. */
export type ToEntryError = (
  error: PartnerError,
) => { readonly status: Status } & Pick<BatchCreatePartnersResult, "errorInfo" | "fieldViolations">;

export function createBatchRpc(partners: PartnerRepository, toEntryError: ToEntryError) {
  return {
    async batchCreatePartners(request, context) {
      const { target, writes, writer } = chooseWrites(partners, request, context.values);
      const violations = findEntryViolations(request);
      if (!request.allowPartial) {
        if (violations.length > 0) {
          throw fieldsInvalid(violations);
        }
        const batch = toNewBatch(request, target);
        const created = await writes.createBatch(batch, askerOf(context), writer);
        return { partners: created.map(toPartnerMessage) };
      }
      const refused = Map.groupBy(
        [...context.values.get(entryViolationsKey), ...violations],
        ({ field }) => entryOf(field),
      );
      const good = request.requests.flatMap((entry, index) =>
        refused.has(index) ? [] : toEntry(entry, index, request, target),
      );
      const results = await writes.createEach(good, askerOf(context), writer);
      return toPartialResponse(request, refused, results, toEntryError);
    },
  } satisfies Partial<ServiceImpl<typeof PartnerService>>;
}

/** What is wrong with entries of a validated batch besides the rules of their fields. */
function findEntryViolations(request: BatchCreatePartnersRequest): Violation[] {
  const batchId = request.requestId?.toLowerCase();
  const seen = new Map<string, number>();
  return request.requests.flatMap(({ requestId, externalId, validateOnly }, index) => {
    const field = (name: string) => `requests[${index}].${name}`;
    const violations: Violation[] = [];
    if (validateOnly) {
      const description = "must be absent in an entry";
      violations.push(violation(field("validate_only"), description, "batch.validate_only"));
    }
    const ids = { request_id: requestId?.toLowerCase(), external_id: externalId };
    for (const [name, id] of Object.entries(ids)) {
      const key = `${name} ${id}`;
      const other = id === undefined || id === batchId ? undefined : seen.get(key);
      if (other !== undefined) {
        const description = `must not be that of requests[${other}]`;
        violations.push(violation(field(name), description, `batch.${name}`));
      }
      seen.set(key, other ?? index);
    }
    return violations;
  });
}

/** The batch that a validated request asks for, in the book of the organization. */
function toNewBatch(request: BatchCreatePartnersRequest, organizationId: string): NewBatch {
  const { requests } = request;
  const batchId = request.requestId?.toLowerCase() ?? null;
  const isOne = requests.every(
    ({ requestId }) => requestId === undefined || requestId.toLowerCase() === batchId,
  );
  return {
    newPartners: requests.map((entry, index) => toEntry(entry, index, request, organizationId)),
    requestId: isOne ? batchId : null,
  };
}

/**
 * The partner of an entry. Where it has no request id of its own, it has one that follows from that of the
 * batch, by which it is found again: the first one the batch's own, so that it shares one constraint with
 * partners that are created singly.
 */
function toEntry(
  entry: CreatePartnerRequest,
  index: number,
  { requestId: batchId }: BatchCreatePartnersRequest,
  organizationId: string,
): NewPartner {
  const newPartner = toNewPartner(entry, organizationId);
  const id = batchId?.toLowerCase();
  if (id === undefined || (newPartner.requestId !== null && newPartner.requestId !== id)) {
    return newPartner;
  }
  return { ...newPartner, requestId: index === 0 ? id : uuidV5(id, `partner ${index}`) };
}

function toPartialResponse(
  { requests }: BatchCreatePartnersRequest,
  refused: ReadonlyMap<number | undefined, readonly Violation[]>,
  created: readonly Outcome[],
  toEntryError: ToEntryError,
): Omit<BatchCreatePartnersResponse, "$typeName"> {
  const others = created.values();
  const results = requests.map((_entry, index) => {
    const violations = refused.get(index);
    const outcome = violations ? { error: fieldsInvalid(violations) } : others.next().value;
    if (outcome === undefined) {
      throw new Error("An entry of a batch has no outcome.");
    }
    return toResult(outcome, toEntryError);
  });
  return { partners: [], results };
}

function toResult(outcome: Outcome, toEntryError: ToEntryError): BatchCreatePartnersResult {
  const $typeName = "partner.v1.BatchCreatePartnersResult";
  if ("partner" in outcome) {
    const value = toPartnerMessage(outcome.partner);
    return { $typeName, result: { case: "partner", value }, fieldViolations: [] };
  }
  const { status, ...details } = toEntryError(outcome.error);
  return { $typeName, result: { case: "error", value: status }, ...details };
}
