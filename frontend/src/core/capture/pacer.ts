/** Chooses which of a camera's frames to send, so that a lower rate comes out even. */

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
    // Cameras jitter: a frame a little early is the one that was meant.
    const early = this.interval * 0.25;
    if (at < this.due - early) return false;
    // Counting from when it was due keeps the average right; after a gap, or at a rate no camera reaches, start afresh.
    this.due = at - this.due < this.interval * 2 ? this.due + this.interval : at + this.interval;
    return true;
  }
}

/** Scales a picture so that its longer side is at most `longest`; never enlarges. Sizes come out even, as encoders like them. */
export function fit(width: number, height: number, longest: number): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height, 1));
  return { width: even(width * scale), height: even(height * scale) };
}

function even(pixels: number): number {
  return Math.max(2, Math.round(pixels / 2) * 2);
}
