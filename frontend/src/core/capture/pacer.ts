/** Chooses some of a camera's frames, so that they are evenly spaced at a lower rate. */

/** Times are in milliseconds of one clock. */
export class FramePacer {
  private due = -Infinity;
  private interval: number;

  constructor(fps: number) {
    this.interval = 1000 / fps;
  }

  setRate(fps: number): void {
    this.interval = 1000 / fps;
    this.due = -Infinity;
  }

  accept(at: number): boolean {
    // The intervals between a camera's frames vary, so a frame that comes a little early is accepted.
    const early = this.interval * 0.25;
    if (at < this.due - early) return false;
    // Adding the interval to `due` keeps the average rate. After a gap, or if the camera is slower than the rate, add
    // it to `at`.
    this.due = at - this.due < this.interval * 2 ? this.due + this.interval : at + this.interval;
    return true;
  }
}

/**
 * Scales a size so that its longer side is at most `longest` pixels. Never enlarges. Both sides are even numbers, as
 * encoders want.
 */
export function fit(width: number, height: number, longest: number): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height, 1));
  return { width: even(width * scale), height: even(height * scale) };
}

function even(pixels: number): number {
  return Math.max(2, Math.round(pixels / 2) * 2);
}
