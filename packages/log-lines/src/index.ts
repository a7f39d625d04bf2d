/**
 * The lines of a log, which may be lost where nobody takes them, and of an audit trail, which may not.
 *
 * @module
 */
export { type AuditLog, type AuditLogEvent, createAuditLog } from "./audit-log.ts";
export { type AuditTarget, auditToLog, openAuditFile } from "./audit-target.ts";
export { createLeveledLog, type LeveledLog } from "./leveled-log.ts";
export { joinLogLines, type LogLines, openLogLines } from "./log-lines.ts";
