import { useWords } from "./words.js";

const WIDTH = 120;
const HEIGHT = 28;
/** The line of a quick camera stays low, so that small changes do not look like trouble. */
const LEAST_TOP = 100;

export interface SparklineProps {
  /** Milliseconds, one value a second, the newest last. */
  readonly values: readonly number[];
  /** The number of values for the full width. */
  readonly most: number;
}

/** A small line of the latencies of the last minute; the newest is at the right. */
export function Sparkline({ values, most }: SparklineProps) {
  const words = useWords();
  const { trip } = words.format;
  const top = Math.max(LEAST_TOP, ...values);
  const step = WIDTH / Math.max(1, most - 1);
  const points = values.map((value, index) => {
    const x = WIDTH - (values.length - 1 - index) * step;
    const y = HEIGHT - 1 - (value / top) * (HEIGHT - 2);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const label =
    values.length === 0
      ? words.figures.noLatency
      : words.figures.lastMinute(values.length, trip(Math.min(...values)), trip(Math.max(...values)));
  return (
    <svg
      className="sky-spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <polyline points={points.join(" ")} />
    </svg>
  );
}
