// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of sources that have them.
import type { Edit } from "../../bench/edit.ts";

/** Edits, each of which makes a fault that a caller or an operator would notice, of some files. */
interface Group {
  /** The test files that are to find each of the faults. */
  readonly tests: readonly string[];
  readonly edits: readonly Edit[];
}

const of =
  (file: string) =>
  (from: string, to: string): Edit => ({ file, from, to });

const laneSource = "packages/unary-lane/src";
const lane = of(`${laneSource}/unary-lane.ts`);
const method = of(`${laneSource}/unary-method.ts`);
const message = of(`${laneSource}/connect-message.ts`);
const connect = of(`${laneSource}/connect-unary.ts`);
const grpc = of(`${laneSource}/grpc-unary.ts`);
const call = of(`${laneSource}/unary-call.ts`);
const exchange = of(`${laneSource}/exchange.ts`);
const lazyHeaders = of(`${laneSource}/lazy-headers.ts`);
const plainJson = of(`${laneSource}/plain-json.ts`);
const reader = of(`${laneSource}/plain-json-reader.ts`);
const writer = of(`${laneSource}/plain-json-writer.ts`);
const rules = of("packages/fast-validation/src/plain-rules.ts");
const routes = of("src/routes.ts");
const verifier = of("packages/access-tokens/src/token-verifier.ts");
const cache = of("packages/access-tokens/src/verified-token-cache.ts");
const errors = of("src/interceptors/errors.ts");
const serviceError = of("src/interceptors/service-error.ts");
const calls = of("src/observability/calls.ts");
const audit = of("src/observability/audit.ts");
const instants = of("packages/postgres-statements/src/instant-type.ts");
const auditLog = of("packages/log-lines/src/audit-log.ts");
const logLines = of("packages/log-lines/src/log-lines.ts");
const lineFile = of("packages/log-lines/src/line-file.ts");
const fitting = of("packages/strict-messages/src/fitting.ts");
const authentication = of("src/interceptors/authentication.ts");
const organizations = of("src/interceptors/organizations.ts");
const access = of("src/interceptors/access.ts");
const getQueries = of("packages/connect-http/src/get-query.ts");
const fairTurns = of("packages/postgres-statements/src/fair-turns.ts");
const orm = of("packages/postgres-statements/src/orm.ts");
const shares = of("src/interceptors/shares.ts");
const pool = of("packages/postgres-statements/src/postgres-pool.ts");
const cancelling = of("packages/postgres-statements/src/cancelling.ts");
const list = of("src/partners/partner-list.ts");
const statements = of("src/partners/list-statements.ts");
const listRpc = of("src/rpcs/list-rpc.ts");
const paging = of("src/rpcs/paging.ts");
const sealing = of("packages/sealed-tokens/src/index.ts");
const mapping = of("src/rpcs/partner-mapping.ts");
const updateMask = of("src/rpcs/update-mask.ts");
const edits = of("src/partners/partner-edits.ts");
const batch = of("src/partners/partner-batch.ts");
const batchRpc = of("src/rpcs/batch-rpc.ts");
const conflicts = of("src/partners/partner-conflicts.ts");
const finds = of("src/partners/partner-finds.ts");
const repository = of("src/partners/partner-repository.ts");
const purge = of("src/partners/partner-purge.ts");
const purging = of("src/processes/purging.ts");
const invitations = of("src/partners/invitations.ts");
const author = of("src/partners/author.ts");
const changeFeed = of("src/changes/change-feed.ts");
const changeRpcs = of("src/rpcs/change-rpcs.ts");
const rpcs = of("src/rpcs/partner-rpcs.ts");

export const mutants: readonly Group[] = [
  {
    // The mechanisms for speed, each of which never works.
    tests: [
      "test/unary-lane.test.ts",
      "test/attacks/tokens.test.ts",
      "test/create-partner.test.ts",
    ],
    edits: [
      lane("if (url === null || serve === undefined)", "if (url === null || serve !== null)"),
      plainJson("isPlain ? createPlainJsonReader(input, maxItemsOf) : undefined", "undefined"),
      plainJson("emitsAll ? createPlainJsonWriter(output) : undefined", "undefined"),
      routes("createFastValidator(validator)", "validator"),
      verifier("const remembered = keys.areFresh()", "const remembered = keys === undefined"),
    ],
  },
  {
    tests: ["packages/unary-lane/test"],
    edits: [
      lane(
        "url === null ? undefined : chooseProtocol",
        "url !== null ? undefined : chooseProtocol",
      ),
      lane('request.method === "POST" && "stream" in request', '"stream" in request'),
      lane('method.protocols.includes("grpc")', "true"),
      method("areKnown(base) && areKnown(more)", "areKnown(base)"),
      method("areKnown(base) && areKnown(more)", "areKnown(more)"),
      message("contentType === undefined &&", "true &&"),
      message(
        "idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS",
        "idempotency !== undefined",
      ),
      message("Number(promised) > limit", "Number(promised) >= limit"),
      message('searchParams.get("base64") === "1"', "false"),
      message('encoding !== "json" && encoding !== "proto"', 'encoding !== "json"'),
      message('searchParams.get("compression")', "null"),
      connect("compression.error ?? timeout.error", "timeout.error"),
      connect("compression.error ?? timeout.error", "compression.error"),
      connect("await options.requestGate?.(call);", ""),
      connect(">= options.compressMinBytes", "> options.compressMinBytes"),
      connect("if (!error.isWireError)", "if (error.isWireError)"),
      connect("headers[`trailer-${name}`] = value;", ""),
      grpc("compression.error ?? timeout.error", "timeout.error"),
      grpc("await options.requestGate?.(call);", ""),
      grpc("const room = 2 * (options.readMaxBytes + prefixBytes)", "const room = prefixBytes"),
      grpc("body.readUInt8(0) === 0", "true"),
      call("timeoutMs !== undefined && timeoutMs <= 0", "timeoutMs !== undefined && timeoutMs < 0"),
      call("end(reasonOfLeaving(request));", ""),
      call("clearTimeout(timer);\n    controller.abort(failure);", "clearTimeout(timer);"),
      exchange("if (length <= limit)", "if (length < limit)"),
      exchange("if (!request.readableEnded)", "if (request.readableEnded)"),
      exchange('"encrypted" in socket ? "https" : "http"', '"http"'),
      lazyHeaders("plainName.test(name) && plainValue.test(value)", "plainName.test(name)"),
      plainJson("Buffer.byteLength(json) > readMaxBytes", "Buffer.byteLength(json) < 0"),
      plainJson("Buffer.byteLength(text) > writeMaxBytes", "text.length > writeMaxBytes"),
      reader('text.includes("\\\\")', "false"),
      reader("count(text, '\"') === seen.quotes ? message : undefined", "message"),
      reader("Number(json) < 2 ** 31", "Number(json) <= 2 ** 31"),
      reader("Number(json) >= -(2 ** 31)", "Number(json) > -(2 ** 31)"),
      writer("nanos < 0 || nanos > 999_999_999", "false"),
      writer("second > lastSecond || ", ""),
      writer("if (second !== last.second)", 'if (last.text === "")'),
      writer("nanos % 1000 !== 0", "nanos % 10_000 !== 0"),
    ],
  },
  {
    tests: ["packages/fast-validation/test"],
    edits: [
      rules("String(text).length <= Number(most)", "String(text).length <= Number(most) + 1"),
      rules("least === 1n ? 1 : 2 * Number(least)", "Number(least)"),
      rules("Number(number) >= Number(least)", "Number(number) >= Number(least) - 1"),
      rules("Number(number) <= Number(most)", "Number(number) <= Number(most) + 1"),
      rules("!isDefault(value) && ", ""),
      rules("(entries as readonly object[]).every(admits)", "entries !== undefined"),
      rules("!String(text).includes(String(part))", "true"),
      rules("numbers.has(number)", "true"),
      rules("|| hasOption(descriptor, messageOption)", ""),
    ],
  },
  {
    tests: [
      "packages/access-tokens/test",
      "test/attacks/tokens.test.ts",
      "test/attacks/published-keys.test.ts",
    ],
    edits: [
      cache("verified.validUntil <= now", "verified.validUntil < now"),
      cache("verified.keysGeneration !== keysGeneration ||", ""),
      cache("tokens.size <= maxTokens", "tokens.size <= maxTokens + 1"),
      cache("characters -= token.length;", ""),
      verifier("if (!compactJws.test(token))", "if (false as boolean)"),
      verifier("(payload.exp ?? 0) + clockToleranceSeconds", "Infinity"),
      verifier('requiredClaims: ["exp", "sub"]', 'requiredClaims: ["sub"]'),
      verifier("issuer: rules.issuer,", ""),
      verifier("audience: rules.audience,", ""),
      verifier("algorithms: [...rules.algorithms],", ""),
      verifier("tried === maxKeysTried", "tried > maxKeysTried"),
      authentication("&& ids.length === list.length", ""),
    ],
  },
  {
    tests: [
      "test/access.test.ts",
      "test/access-rules.test.ts",
      "test/http-requests.test.ts",
      "test/attacks/organizations.test.ts",
    ],
    edits: [
      authentication('repeatedHeaders.has("authorization")', 'repeatedHeaders.has("nothing")'),
      organizations(
        "!caller.organizations.includes(requester)",
        "caller.organizations.length === 0",
      ),
      organizations(" || organization === nilUuid", ""),
      organizations("value.toLowerCase()", "value"),
      access("!required(values, callerKey).scopes.has(rule.scope)", "rule.scope === ''"),
      access("rule.scenarios.includes(Scenario.SELF)", "true"),
      access("host: requester, guest: target", "host: target, guest: requester"),
      access("host: target, guest: requester", "host: requester, guest: target"),
      access("scenarios.includes(Scenario.HOST) &&", "true &&"),
      access("scenarios.includes(Scenario.GUEST) &&", "true &&"),
      access("if (!allowed)", "if (false as boolean)"),
      access('if (rule.scope === "")', "if (false as boolean)"),
    ],
  },
  {
    tests: [
      "test/interceptors.test.ts",
      "test/request-forms.test.ts",
      "test/http-requests.test.ts",
      "test/attacks/bodies.test.ts",
      "test/attacks/error-trailers.test.ts",
      "test/unavailable.test.ts",
    ],
    edits: [
      errors("if (error.code === Code.Internal)", "if (false as boolean)"),
      errors(
        "if (waiting) {\n          fail(toAbortError(",
        "if (!waiting) {\n          fail(toAbortError(",
      ),
      errors("if (waiting) {\n            fail(failure);", "{\n            fail(failure);"),
      errors("Object.assign(signal.reason, { code, rawMessage, message, details });", ""),
      errors("ErrorReason.DATABASE_UNAVAILABLE", "ErrorReason.OVERLOADED"),
      errors("failure.details.length > 0 ? failure : nameReason(failure)", "failure"),
      errors("if (signal.aborted) {", "if (false as boolean) {"),
      serviceError("code === Code.ResourceExhausted && maxBytes !== undefined", "false as boolean"),
      serviceError(
        'code === Code.InvalidArgument && !message.includes("timeout")',
        "code === Code.InvalidArgument",
      ),
      serviceError("? sendersFault.test(message)", "? false"),
      getQueries("if (message === null)", "if (false as boolean)"),
      getQueries('if (searchParams.get("base64") === "1")', "if (false as boolean)"),
      getQueries("    decodeURIComponent(search);", ""),
      getQueries("base64|", ""),
      getQueries("[0-7][\\da-fA-F]", "[\\da-fA-F]{2}"),
    ],
  },
  {
    tests: ["test/access-log.test.ts"],
    edits: [errors("&& !call.hasLeft()", ""), calls("isSent(raw, reply.raw) ?", "true ?")],
  },
  {
    tests: ["packages/strict-messages/test"],
    edits: [
      fitting("const maxViolations = 25;", "const maxViolations = 1000;"),
      fitting("bytes <= maxViolationBytes && ", ""),
    ],
  },
  {
    tests: ["packages/postgres-statements/test/fair-turns.test.ts"],
    edits: [
      fairTurns("if (line.underWay < free)", "if (free > 0)"),
      fairTurns("&& nextLine.underWay < free", ""),
      fairTurns("line.waiting.delete(next);", ""),
      fairTurns("if (isUsed(line)) {", "if (line.underWay > 0) {"),
    ],
  },
  {
    tests: ["test/turns-by-requester.test.ts"],
    edits: [
      orm("max - Math.ceil(max / 5)", "max"),
      orm("createFairTurns(1, turnPatienceMs)", "createFairTurns(9, turnPatienceMs)"),
      edits(
        "update : undefined);\n      return retryInTurn(orm, asker,",
        'update : undefined);\n      return retryInTurn(orm, { ...asker, key: "" },',
      ),
    ],
  },
  {
    tests: ["test/list-scans.test.ts"],
    edits: [
      statements("countAll || !isWholeBook || !isInIndex", "!isWholeBook || !isInIndex"),
      statements("countAll || !isWholeBook || !isInIndex", "countAll || !isInIndex"),
      statements("countAll || !isWholeBook || !isInIndex", "countAll || !isWholeBook"),
      statements(
        'columns.includes("id") || columns.includes("external_id")',
        'columns.includes("id")',
      ),
      list("Math.floor(poolSize / 5)", "poolSize"),
      cancelling('signal.addEventListener("abort", cancel);', ""),
      pool("reject(signal?.aborted ? signal.reason : failure)", "reject(failure)"),
    ],
  },
  {
    tests: ["test/shares.test.ts"],
    edits: [
      shares("line.underWay < max", "true as boolean"),
      shares("line.waiting.delete(begin);", ""),
      shares("call.onEnd = leave;", ""),
      shares('method.methodKind !== "unary" ||', ""),
      shares("lines.get(requester)", 'lines.get("")'),
    ],
  },
  {
    tests: [
      "test/list-partners.test.ts",
      "test/partner-repository.test.ts",
      "test/list-plans.test.ts",
      "test/delete-partner.test.ts",
    ],
    edits: [
      statements("defaultPageSize = 20", "defaultPageSize = 21"),
      list("more = rows.length > pageSize", "more = rows.length >= pageSize"),
      list("after === undefined && !more", "!more"),
      statements(
        'const conditions = ["organization_id = $1", "deleted_at is null"]',
        'const conditions = ["organization_id = $1"]',
      ),
      statements(" and (deleted_at is null) is true", ""),
      statements(
        "(company_name, id) > ($2, $3) and deleted_at is null",
        "(company_name, id) > ($2, $3)",
      ),
      statements('text.replace(/[\\\\%_]/g, "\\\\$&")', "text"),
      statements(
        "(company_name ilike ${pattern} or email ilike ${pattern})",
        "(company_name ilike ${pattern})",
      ),
      statements('descending ? "<" : ">"', '">"'),
      statements('descending ? (["desc", "<"] as const)', 'descending ? (["desc", ">"] as const)'),
      statements("wholeBook && pageSize === defaultPageSize", "pageSize === defaultPageSize"),
      listRpc("(filters?.ids ?? []).map((id) => id.toLowerCase())", "[...(filters?.ids ?? [])]"),
      paging("Math.min(requested || fallback, greatest)", "requested || fallback"),
      listRpc("page.totalSize === undefined ? {} : { totalSize: page.totalSize }", "{}"),
      sealing(".setAAD(Buffer.from(JSON.stringify(context)))", '.setAAD(Buffer.from(""))'),
      sealing("bytes.length > headLength + tagLength && ", ""),
      sealing('&& bytes.toString("base64url") === token', ""),
      listRpc("[...(anyOf[column] ?? [])].sort()", "[...(anyOf[column] ?? [])]"),
      finds("where organization_id = wanted.organization_id and id", "where id"),
    ],
  },
  {
    tests: [
      "test/update-partner.test.ts",
      "test/delete-partner.test.ts",
      "test/partner-edits.test.ts",
      "test/get-partner.test.ts",
    ],
    edits: [
      mapping("revision <= maxRevision ? revision : 0", "revision"),
      mapping('if (etag === "")', 'if (etag === "none")'),
      updateMask("if (missing.length > 0)", "if (false as boolean)"),
      updateMask("if (unknown.length > 0)", "if (false as boolean)"),
      updateMask('paths.includes("*")', "false"),
      updateMask("changeableFields.filter((field) => given.isSet(field))", "[...changeableFields]"),
      // To leave out the null would be none: both databases take undefined for it.
      updateMask("values[localName] ?? null", 'values[localName] ?? ""'),
      edits('and (${differences.join(" or ")})', ""),
      edits("partner?.writeId === writeId", "false as boolean"),
      edits(" || (partner.deletedAt !== null && !isOwnWrite)", ""),
      edits("if (!isOwnWrite) {", "if (false as boolean) {"),
      edits('${erasures.join(", ")},', ""),
      rpcs("id: id.toLowerCase()", "id"),
      finds(
        "where organization_id = wanted.organization_id and id = wanted.id and deleted_at is null",
        "where organization_id = wanted.organization_id and id = wanted.id",
      ),
    ],
  },
  {
    tests: [
      "test/batch-create-partners.test.ts",
      "test/idempotency.test.ts",
      "test/invitations.test.ts",
      "test/partner-repository.test.ts",
      "test/partner-creates.test.ts",
    ],
    edits: [
      batchRpc("index === 0 ? id : uuidV5(id, `partner ${index}`)", "id"),
      batch('cause === "PARTNER_DELETED"', "false"),
      batch("requestFingerprint: whole", "requestFingerprint: partner.requestFingerprint"),
      conflicts("isSame && earlier.deletedAt === null", "earlier.deletedAt === null"),
      conflicts("isSame && earlier.deletedAt === null", "isSame"),
      conflicts("if (ids.has(id))", "if (false as boolean)"),
      repository(
        "calls.length > 1 && failure instanceof DatabaseError",
        "calls.length > 9 && failure instanceof DatabaseError",
      ),
      edits('isConnected ? partnerError("GUEST_ALREADY_CONNECTED") : failure', "failure"),
      invitations("and invitation_expires_at > $5::timestamptz", ""),
      invitations(
        "and invitation_status = 'invited' and invitation_token_hash = $3",
        "and invitation_token_hash = $3",
      ),
      invitations('if (!violates(failure, "partner_guest_unique"))', "if (true as boolean)"),
      invitations(
        "and invitation_token_hash = $3 and guest_organization_id = $4",
        "and invitation_token_hash = $3",
      ),
    ],
  },
  {
    tests: ["test/partial-batches.test.ts"],
    edits: [
      batchRpc("requestId === undefined || requestId.toLowerCase() === batchId", "true"),
      conflicts("filter(({ deletedAt }) => deletedAt === null)", "filter(() => true)"),
    ],
  },
  {
    tests: ["test/partner-purge.test.ts", "test/list-partner-changes.test.ts"],
    edits: [
      purge("hours: 24 * retentionDays", "hours: retentionDays"),
      purge("and change < $2 order", "and $2::bigint > 0 order"),
      purge("await run(noteSql, [organizationId, greatestChange(rows)]);", ""),
      purge("(a < b ? -1 : 1)", "(a < b ? 1 : -1)"),
      purge("for update skip locked", "for update"),
      batch("found.length > 0 && found.length < outcomes.length", "false as boolean"),
      purging("utilization < busyShare", "utilization >= 0"),
    ],
  },
  {
    tests: ["test/change-authors.test.ts", "test/list-partner-changes.test.ts"],
    edits: [
      author("isOwn ? [writer.subject, null]", "true ? [writer.subject, null]"),
      author("row.authorRevision !== row.revision", "false as boolean"),
      changeRpcs("author: isOwn ? authorOf(partner)", "author: true ? authorOf(partner)"),
      authentication(".toWellFormed()", ""),
      authentication(".slice(0, maxSubjectLength)", ""),
      changeFeed("$4 <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint", "true"),
    ],
  },
  {
    tests: ["test/audit.test.ts", "packages/log-lines/test/audit-log.test.ts"],
    edits: [
      audit("settle(call);\n          return response;", "return response;"),
      audit("settle(call);\n        throw failure;", "throw failure;"),
      audit("mustBeWritten ? confirm(response) : response", "response"),
      audit("writes.has(method) && log.failure() !== undefined", "false"),
      audit("namesOfWrites.has(rpc) || refusals.has(outcome.reason)", "namesOfWrites.has(rpc)"),
      audit("JSON.stringify(subject)", '"subject"'),
      audit('`${text},{"id":"`', '`${text}{"id":"`'),
      audit('.padStart(3, "0")', ""),
      instants("if (second !== lastWritten.second)", 'if (lastWritten.text === "")'),
      auditLog("queueMicrotask(flush);", "process.nextTick(flush);"),
      auditLog("isVital ? room : room / 2", "room"),
      auditLog("!scheduled && current === undefined", "!scheduled && next.count > 0"),
      auditLog("next.count > 0 ? next : current", "current ?? next"),
      auditLog("now - stuckSince >= patienceMs", "now - stuckSince > 10 * patienceMs"),
      logLines("maxWaiting / 2", "maxWaiting"),
      logLines("!out.writable ||", ""),
      logLines("flush();\n      out.write(given);", "out.write(given);"),
    ],
  },
  {
    tests: ["packages/log-lines/test/line-file.test.ts"],
    edits: [
      lineFile("written === Buffer.byteLength(lines)", "written === lines.length"),
      lineFile("leftOf(lines, whole)", "rest"),
      lineFile("isTorn ||= taken > whole", "isTorn ||= false"),
      lineFile("now > soundUntil && isLeftTorn()", "isLeftTorn()"),
    ],
  },
];
