/** Shows the latency breakdown: the stages between a camera and the screen. */

import type { CameraLatency } from "../core/viewer/messages.js";
import { useWords } from "./words.js";

/** The stages in the order in which a frame passes them. */
const STAGES = ["capture", "server", "delivery"] as const;

/** One camera's stages as a bar and in words. Unknown stages are dashes, so that nothing below the picture moves. */
export function LatencyParts({ latency }: { latency: CameraLatency | null }) {
  const words = useWords();
  return (
    <dl className="sky-stages" aria-label={words.figures.byStage}>
      {STAGES.map((key) => (
        <div
          key={key}
          className="sky-stage"
          data-stage={key}
          style={{ flexGrow: latency ? share(latency[key], latency.total) : 1 }}
        >
          <dt>{words.figures.stages[key]}</dt>
          <dd>{words.format.trip(latency ? latency[key] : null)}</dd>
        </div>
      ))}
    </dl>
  );
}

function share(stage: number | null, total: number): number {
  return total > 0 ? Math.max(0, stage ?? 0) / total : 0;
}

export interface LatencyTableProps {
  readonly cameras: readonly { readonly name: string; readonly latency: CameraLatency | null }[];
}

/** A table of all cameras' stages, the slowest camera first; renders nothing while no latency is known. */
export function LatencyTable({ cameras }: LatencyTableProps) {
  const words = useWords();
  const known = cameras
    .flatMap(({ name, latency }) => (latency ? [{ name, latency }] : []))
    .sort((a, b) => b.latency.total - a.latency.total);
  if (known.length === 0) return null;
  return (
    // The table scrolls sideways on a phone, so it must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="sky-table" role="region" aria-label={words.figures.byCamera} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.figures.latency}</th>
            <th scope="col">{words.figures.total}</th>
            {STAGES.map((key) => (
              <th scope="col" key={key} title={words.figures.stages[key]}>
                {words.figures.shortStages[key]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {known.map(({ name, latency }) => (
            <tr key={latency.cameraId}>
              <th scope="row">
                <bdi>{name}</bdi>
              </th>
              <td>{words.format.trip(latency.total)}</td>
              {STAGES.map((key) => (
                <td key={key}>{words.format.trip(latency[key])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
