/** Shows the latency breakdown: the stages between a camera and the screen. */

import type { CameraLatency } from "../core/viewer/messages.js";
import { useWords } from "./words.js";

/** The stages in the order in which a frame passes them. */
const STAGES = ["capture", "transit", "server", "delivery"] as const;

export interface LatencyPartsProps {
  readonly latency: CameraLatency | null;
  /** Whether there is room for one word for each stage only. */
  readonly short?: boolean;
}

/** One camera's stages as a bar and in words. Unknown stages are dashes, so that nothing below the picture moves. */
export function LatencyParts({ latency, short = false }: LatencyPartsProps) {
  const words = useWords();
  const names = short ? words.figures.shortStages : words.figures.stages;
  return (
    <dl className="sky-stages" aria-label={words.figures.byStage}>
      {STAGES.filter((key) => key !== "transit" || latency?.transit !== undefined).map((key) => (
        <div
          key={key}
          className="sky-stage"
          data-stage={key}
          // In percent: parts of less than 1 would leave the rest of a row empty.
          style={{ flexGrow: latency ? 100 * share(latency[key] ?? null, latency.total) : 1 }}
        >
          <dt title={words.figures.stages[key]}>{names[key]}</dt>
          <dd>{words.format.trip(latency?.[key] ?? null)}</dd>
        </div>
      ))}
    </dl>
  );
}

function share(stage: number | null, total: number): number {
  return total > 0 ? Math.max(0, stage ?? 0) / total : 0;
}
