/** Combines the places on a page that show the same camera: the camera is needed as wide as the widest of them. */

export class ShownWidths {
  private readonly widths = new Map<string, Map<object, number>>();

  /** `report` gets the greatest width in device pixels, or null if the camera is visible nowhere. */
  constructor(private readonly report: (cameraId: string, pixels: number | null) => void) {}

  /** The place shows the camera `pixels` wide, or does not show it if null. */
  set(cameraId: string, place: object, pixels: number | null): void {
    const places = this.widths.get(cameraId) ?? new Map<object, number>();
    this.widths.set(cameraId, places);
    if (pixels === null) places.delete(place);
    else places.set(place, pixels);
    if (places.size === 0) this.widths.delete(cameraId);
    this.report(cameraId, places.size === 0 ? null : Math.max(...places.values()));
  }
}
