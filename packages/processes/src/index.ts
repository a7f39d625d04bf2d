/**
 * Several processes of a server on one port, by Node's cluster.
 *
 * @module
 */
export type { Child } from "./child.ts";
export { joinProcesses, type Member, type Membership } from "./member.ts";
export { type Processes, type ProcessesOptions, runProcesses } from "./processes.ts";
export { listenToSignals } from "./signals.ts";
