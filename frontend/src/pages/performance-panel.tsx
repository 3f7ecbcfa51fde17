import { useEffect, useState } from "react";
import type { ViewerSnapshot } from "../core/viewer/session.js";
import { Figure } from "../react/camera-tile.js";
import { LatencyTable } from "../react/latency.js";
import { formatCount, formatFps, formatRate, formatTrip } from "../react/format.js";

export interface PerformancePanelProps {
  readonly snapshot: ViewerSnapshot;
  /** Where pictures are painted, in words. */
  readonly painting: string;
}

/** The sum over all cameras, and how the page itself is doing. */
export function PerformancePanel({ snapshot, painting }: PerformancePanelProps) {
  const { totals, roundTrip, cameras } = snapshot;
  const longTasks = useLongTasks();
  return (
    <section className="page-panel" aria-label="Performance">
      <dl className="sky-figures">
        <Figure label="Painted" value={formatFps(totals.fps)} name="total-fps" />
        <Figure label="Received" value={formatFps(totals.receivedFps)} name="total-received" />
        <Figure label="Data" value={formatRate(totals.bytesPerSecond)} name="total-rate" />
        <Figure label="Overtaken by newer" value={formatCount(totals.dropped)} name="total-drops" />
        <Figure label="Round trip" value={formatTrip(roundTrip)} name="total-trip" />
        <Figure label="Long tasks in 10 s" value={longTasks} name="long-tasks" />
        <Figure label="Decoding" value={painting} name="painting" />
      </dl>
      <LatencyTable cameras={cameras} />
    </section>
  );
}

const LOOK_BACK_MS = 10_000;

/** Tasks that held the page up for more than 50 ms: how many, and the middle one of them. */
function useLongTasks(): string {
  const [words, setWords] = useState("–");
  useEffect(() => {
    if (!PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
    let tasks: PerformanceEntry[] = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
    observer.observe({ type: "longtask" });
    const timer = setInterval(() => {
      const now = performance.now();
      tasks = tasks.filter((task) => task.startTime > now - LOOK_BACK_MS);
      const durations = tasks.map((task) => task.duration).sort((a, b) => a - b);
      const median = durations[Math.floor(durations.length / 2)];
      setWords(median === undefined ? "none" : `${durations.length}, median ${median.toFixed(0)} ms`);
    }, 1000);
    return () => {
      observer.disconnect();
      clearInterval(timer);
    };
  }, []);
  return words;
}
