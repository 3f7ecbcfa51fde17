/** Whether this is a phone or a tablet. */
export function isHandheld(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}
