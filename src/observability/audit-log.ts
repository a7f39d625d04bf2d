import {
  type AuditLog,
  auditToLog,
  createAuditLog,
  type LeveledLog,
  type LogLines,
  openAuditFile,
} from "@partner-service/log-lines";
import { StartError } from "@partner-service/settings";
import type { Config } from "../config/config.ts";
import { describeLost } from "./audit.ts";

/**
 * Opens what AUDIT_LOG names.
 *
 * @param stream of the log
 * @param log hears what goes wrong later
 * @throws StartError
 */
export function openAuditLog(
  { auditLog: place }: Config,
  stream: Pick<LogLines, "append">,
  log: LeveledLog,
): AuditLog | undefined {
  if (place === "off") {
    return undefined;
  }

  function tell(failure: string | undefined, lost: number): void {
    if (failure === undefined) {
      log.warn({ lost }, "audit trail written again");
    } else {
      log.error({ reason: failure, lost }, "audit trail not written");
    }
  }

  function open(): AuditLog {
    try {
      const target = place === "stdout" ? auditToLog(stream) : openAuditFile(place);
      return createAuditLog(target, { tell, describeLost });
    } catch (cause) {
      const message = `AUDIT_LOG names a file that cannot be written (${reasonOf(cause)}).`;
      throw new StartError(message, { cause });
    }
  }

  const auditLog = open();
  return {
    ...auditLog,
    reopen() {
      try {
        auditLog.reopen();
      } catch (cause) {
        const message = `AUDIT_LOG cannot be opened anew (${reasonOf(cause)}). The last file stays.`;
        log.error({}, message);
      }
    },
  };
}

function reasonOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : cause;
}
