import { useEffect, useState } from "react";
import { Figure } from "../react/figure.js";
import { formatCount, formatFps, formatRate, formatTrip } from "../react/format.js";
import { LatencyTable } from "../react/latency.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";

/** The sums over all cameras, and the performance of the page itself. */
export function PerformancePanel({ viewer }: { viewer: Viewer }) {
  const { totals, roundTrip, cameras } = useStore(viewer.snapshot);
  const longTasks = useLongTasks();
  return (
    <section className="page-panel" aria-label="Performance">
      <dl className="sky-figures">
        <Figure label="Painted" value={formatFps(totals.fps)} name="total-fps" />
        <Figure label="Received" value={formatFps(totals.receivedFps)} name="total-received" />
        <Figure label="Data" value={formatRate(totals.bytesPerSecond)} name="total-rate" />
        <Figure label="Superseded by newer" value={formatCount(totals.dropped)} name="total-drops" />
        <Figure label="Round trip" value={formatTrip(roundTrip)} name="total-trip" />
        <Figure label="Long tasks in 10 s" value={longTasks} name="long-tasks" />
        <Figure label="Decoding" value={viewer.painter?.method ?? "–"} name="painting" />
      </dl>
      <LatencyTable cameras={cameras} />
    </section>
  );
}

const WINDOW_MS = 10_000;

/** Counts the tasks that blocked the page for more than 50 ms, and returns their number and median duration as text. */
function useLongTasks(): string {
  const [text, setText] = useState("–");
  useEffect(() => {
    if (!PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
    let tasks: PerformanceEntry[] = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
    observer.observe({ type: "longtask" });
    const timer = setInterval(() => {
      const now = performance.now();
      tasks = tasks.filter((task) => task.startTime > now - WINDOW_MS);
      const durations = tasks.map((task) => task.duration).sort((a, b) => a - b);
      const median = durations[Math.floor(durations.length / 2)];
      setText(median === undefined ? "none" : `${durations.length}, median ${median.toFixed(0)} ms`);
    }, 1000);
    return () => {
      observer.disconnect();
      clearInterval(timer);
    };
  }, []);
  return text;
}
