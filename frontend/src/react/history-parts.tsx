/** The parts of a timeline that only a server with recordings needs; pages load them when they need them. */

export { History } from "../core/viewer/history.js";
export { DayPicker } from "./day-picker.js";
export { EventButtons } from "./event-buttons.js";
export { ExportTools } from "./export-tools.js";
