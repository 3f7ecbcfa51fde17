/** Measures how much a camera's picture changes. `client/engine/change_meter.py` measures the same. */

/** Points in which a picture is compared. */
export const POINTS_WIDTH = 64;
export const POINTS_HEIGHT = 36;
/** A picture is drawn at this multiple of the points, of which each point is the mean: that leaves little of the noise. */
export const DRAWN = 4;

/** The shares and levels of grey that go with a frame. */
export interface PictureMeasure {
  /** Share of the points that differ from about half a second before; left out for the first picture. */
  readonly change?: number;
  /** Mean of the points, 0 to 255. */
  readonly brightness: number;
  /** Standard deviation of the points. */
  readonly contrast: number;
}

/** Milliseconds by which the picture that a picture is compared with is older, at least. */
const AGE_MS = 400;
/** Levels of grey by which a point differs that has changed. */
const DIFFERENT = 12;
/** Levels of grey by which a point of a still picture differs, at most. */
const STILL = 8;

/** Returns the points of a picture that was drawn `DRAWN` times as large, as red, green, blue and alpha. */
export function pointsOf(drawn: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const means = new Float32Array(POINTS_WIDTH * POINTS_HEIGHT);
  const line = POINTS_WIDTH * DRAWN;
  for (let pixel = 0; pixel < line * POINTS_HEIGHT * DRAWN; pixel++) {
    const [red = 0, green = 0, blue = 0] = [drawn[4 * pixel], drawn[4 * pixel + 1], drawn[4 * pixel + 2]];
    const point = Math.floor(pixel / (line * DRAWN)) * POINTS_WIDTH + Math.floor((pixel % line) / DRAWN);
    means[point] = (means[point] ?? 0) + 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  return smooth(means.map((sum) => sum / (DRAWN * DRAWN)));
}

/** Makes each point the mean of 3 by 3 points. */
function smooth(points: Float32Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(points.length);
  for (let y = 0; y < POINTS_HEIGHT; y++) {
    for (let x = 0; x < POINTS_WIDTH; x++) {
      let sum = 0;
      for (const v of [y - 1, y, y + 1]) {
        const row = Math.min(POINTS_HEIGHT - 1, Math.max(0, v)) * POINTS_WIDTH;
        for (const u of [x - 1, x, x + 1])
          sum += points[row + Math.min(POINTS_WIDTH - 1, Math.max(0, u))] ?? 0;
      }
      result[y * POINTS_WIDTH + x] = Math.round(sum / 9);
    }
  }
  return result;
}

export class ChangeMeter {
  /** The newest picture that is old enough, and all newer ones. */
  private readonly earlier: { readonly at: number; readonly points: Uint8Array }[] = [];

  /** `at` is in milliseconds. */
  measure(points: Uint8Array, at: number): PictureMeasure {
    while ((this.earlier[1]?.at ?? Infinity) <= at - AGE_MS) this.earlier.shift();
    const before = this.earlier[0]?.points;
    this.earlier.push({ at, points });
    const mean = average(points);
    const contrast = Math.sqrt(average(Array.from(points, (level) => (level - mean) ** 2)));
    return {
      ...(before && { change: changeOf(before, points) }),
      brightness: round(mean, 1),
      contrast: round(contrast, 1),
    };
  }
}

/** Returns whether no point has changed, and neither has the light. */
export function looksSame(before: Uint8Array, after: Uint8Array): boolean {
  return after.every((level, index) => Math.abs(level - (before[index] ?? 0)) <= STILL);
}

/** Returns the share of the points that have changed, apart from a change of the light in the whole picture. */
function changeOf(before: Uint8Array, after: Uint8Array): number {
  const differences = Array.from(after, (level, index) => level - (before[index] ?? 0));
  const median = [...differences].sort((a, b) => a - b)[Math.ceil(differences.length / 2) - 1] ?? 0;
  const changed = differences.filter((difference) => Math.abs(difference - median) > DIFFERENT).length;
  return round(changed / differences.length, 4);
}

function average(values: Iterable<number> & ArrayLike<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
