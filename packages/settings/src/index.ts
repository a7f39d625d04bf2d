/**
 * Settings from environment variables, each declared once, and starts that fail in one line.
 *
 * @module
 */
export {
  any,
  describeSettings,
  file,
  type Kind,
  listOf,
  listSettings,
  oneOf,
  onOff,
  optional,
  readSettings,
  type Settings,
  setting,
  type Values,
  whole,
} from "./setting.ts";
export { runCommand, StartError } from "./start-error.ts";
