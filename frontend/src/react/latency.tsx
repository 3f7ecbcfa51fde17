/** Where the time goes between a camera and the screen. */

import type { CameraLatency } from "../core/viewer/messages.js";
import { formatTrip } from "./format.js";

/** The hops in the order of the way. */
const HOPS = [
  { key: "capture", name: "Capture to server" },
  { key: "server", name: "In the server" },
  { key: "delivery", name: "Server to screen" },
] as const;

export function describeLatency(latency: CameraLatency): string {
  return HOPS.map(({ key, name }) => `${name}: ${formatTrip(latency[key])}`).join(", ");
}

/** One camera's hops as a bar and in words; dashes while they are not known, so that nothing below the picture moves. */
export function LatencyParts({ latency }: { latency: CameraLatency | null }) {
  return (
    <dl className="sky-hops" aria-label="Latency by hop">
      {HOPS.map(({ key, name }) => (
        <div
          key={key}
          className="sky-hop"
          data-hop={key}
          style={{ flexGrow: latency ? share(latency[key], latency.total) : 1 }}
        >
          <dt>{name}</dt>
          <dd>{formatTrip(latency ? latency[key] : null)}</dd>
        </div>
      ))}
    </dl>
  );
}

function share(hop: number | null, total: number): number {
  return total > 0 ? Math.max(0, hop ?? 0) / total : 0;
}

export interface LatencyTableProps {
  readonly cameras: readonly { readonly name: string; readonly latency: CameraLatency | null }[];
}

/** All cameras' hops in numbers; nothing while none are known. */
export function LatencyTable({ cameras }: LatencyTableProps) {
  const known = cameras.flatMap(({ name, latency }) => (latency ? [{ name, latency }] : []));
  if (known.length === 0) return null;
  return (
    // It scrolls sideways on a phone, which keys must be able to do too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="sky-table" role="region" aria-label="Latency by camera" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Latency</th>
            <th scope="col">Total</th>
            {HOPS.map(({ key, name }) => (
              <th scope="col" key={key}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {known.map(({ name, latency }) => (
            <tr key={latency.clientId}>
              <th scope="row">
                <bdi>{name}</bdi>
              </th>
              <td>{formatTrip(latency.total)}</td>
              {HOPS.map(({ key }) => (
                <td key={key}>{formatTrip(latency[key])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
