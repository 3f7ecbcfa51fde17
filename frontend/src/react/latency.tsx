/** Shows the latency breakdown: the stages between a camera and the screen. */

import type { CameraLatency } from "../core/viewer/messages.js";
import { formatTrip } from "./format.js";

/** The stages in the order in which a frame passes them. */
const STAGES = [
  { key: "capture", name: "Capture to server", short: "Capture" },
  { key: "server", name: "In the server", short: "Server" },
  { key: "delivery", name: "Server to screen", short: "Delivery" },
] as const;

/** One camera's stages as a bar and in words. Unknown stages are dashes, so that nothing below the picture moves. */
export function LatencyParts({ latency }: { latency: CameraLatency | null }) {
  return (
    <dl className="sky-stages" aria-label="Latency by stage">
      {STAGES.map(({ key, name }) => (
        <div
          key={key}
          className="sky-stage"
          data-stage={key}
          style={{ flexGrow: latency ? share(latency[key], latency.total) : 1 }}
        >
          <dt>{name}</dt>
          <dd>{formatTrip(latency ? latency[key] : null)}</dd>
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
  const known = cameras
    .flatMap(({ name, latency }) => (latency ? [{ name, latency }] : []))
    .sort((a, b) => b.latency.total - a.latency.total);
  if (known.length === 0) return null;
  return (
    // The table scrolls sideways on a phone, so it must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="sky-table" role="region" aria-label="Latency by camera" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Latency</th>
            <th scope="col">Total</th>
            {STAGES.map(({ key, name, short }) => (
              <th scope="col" key={key} title={name}>
                {short}
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
              <td>{formatTrip(latency.total)}</td>
              {STAGES.map(({ key }) => (
                <td key={key}>{formatTrip(latency[key])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
