/** The torch and the zoom of a camera, where the device and the browser have them. */

export interface ZoomRange {
  readonly min: number;
  readonly max: number;
}

/** What the camera that is open can do. */
export interface CameraAbilities {
  readonly torch: boolean;
  /** In the units of the device; null if it cannot zoom. */
  readonly zoom: ZoomRange | null;
}

export const NO_ABILITIES: CameraAbilities = { torch: false, zoom: null };

/** How the torch and the zoom are set. `zoom` is null until the person has chosen one. */
export interface CameraControls {
  readonly torch: boolean;
  readonly zoom: number | null;
}

export const NO_CONTROLS: CameraControls = { torch: false, zoom: null };

// The types of TypeScript know neither the torch nor the zoom.
interface Capabilities {
  readonly torch?: boolean | readonly boolean[];
  readonly zoom?: Partial<ZoomRange>;
}

export function readAbilities(track: { getCapabilities?(): unknown }): CameraAbilities {
  // Firefox has no getCapabilities for a video track in some versions.
  const { torch, zoom } = (track.getCapabilities?.() ?? {}) as Capabilities;
  const { min, max } = zoom ?? {};
  return {
    // Some browsers list the possible values instead of saying whether there is a torch.
    torch: torch === true || (Array.isArray(torch) && torch.includes(true)),
    zoom: min !== undefined && max !== undefined && min > 0 && max > min ? { min, max } : null,
  };
}

/** Sets the torch and the zoom. Rejects if the device refuses. */
export async function applyControls(
  track: Pick<MediaStreamTrack, "applyConstraints" | "getConstraints">,
  { torch, zoom }: CameraControls,
  abilities: CameraAbilities,
): Promise<void> {
  const wanted = {
    ...(abilities.torch ? { torch } : {}),
    ...(abilities.zoom && zoom !== null ? { zoom } : {}),
  };
  // New constraints replace all old ones, such as the size.
  await track.applyConstraints({ ...track.getConstraints(), advanced: [wanted as MediaTrackConstraintSet] });
}

export interface ZoomStep {
  readonly value: number;
  /** Relative to the whole picture of the camera: "1×", "2×". */
  readonly text: string;
}

const FACTORS = [0.5, 1, 2, 5];

/** Returns the zooms to choose from; empty if there is no choice. */
export function zoomSteps({ zoom }: CameraAbilities): readonly ZoomStep[] {
  if (!zoom) return [];
  // Phones count 1, 2, 3; webcams often count in percent, from 100.
  const one = zoom.min >= 10 ? zoom.min : 1;
  const steps = FACTORS.map((factor) => ({
    value: factor * one,
    text: `${factor < 1 ? String(factor).replace(/^0/, "") : factor}×`,
  })).filter(({ value }) => value >= zoom.min && value <= zoom.max);
  return steps.length > 1 ? steps : [];
}
