/** The figures of one camera in the drawer: its latency over the last minute, its stages, and why it is slow. */

import { memo } from "react";
import { MAX_LATENCIES, type CameraSnapshot } from "../core/viewer/camera.js";
import { whySlow } from "../core/viewer/slowness.js";
import { LatencyParts } from "../react/latency.js";
import { Sparkline } from "../react/sparkline.js";
import { useWords } from "../react/words.js";

export interface CameraFiguresProps {
  readonly camera: CameraSnapshot;
  readonly roundTrip: number | null;
}

export const CameraFigures = memo(function CameraFigures({ camera, roundTrip }: CameraFiguresProps) {
  const { name, latency, latencies, fps } = camera;
  const words = useWords();
  const slow = whySlow(camera, roundTrip);
  return (
    <li className="page-slow" data-camera={camera.cameraId} data-slow={slow?.part}>
      <h3>
        <bdi>{name}</bdi>
        <span data-figure="camera-latency">
          {latency ? words.format.trip(latency.total) : words.format.fps(fps)}
        </span>
      </h3>
      <Sparkline values={latencies} most={MAX_LATENCIES} />
      <LatencyParts latency={latency} short />
      {slow ? (
        <p className="page-slow__why">
          <strong>
            {words.figures.slow[slow.part].title}
            {slow.delay === null ? "" : ` +${words.format.trip(slow.delay)}`}
          </strong>{" "}
          {words.figures.slow[slow.part].advice}
        </p>
      ) : null}
    </li>
  );
});
