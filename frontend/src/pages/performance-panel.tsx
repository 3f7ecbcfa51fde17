import { useEffect, useState } from "react";
import { worstFirst } from "../core/viewer/slowness.js";
import type { Words } from "../core/words/words.js";
import { Figure } from "../react/figure.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import { useWords } from "../react/words.js";
import { CameraFigures } from "./camera-figures.js";

/** The sums over all cameras, the performance of the page itself, and each camera's latency, the slowest first. */
export function PerformancePanel({ viewer }: { viewer: Viewer }) {
  const words = useWords();
  const { format } = words;
  const { totals, roundTrip, cameras } = useStore(viewer.snapshot);
  const longTasks = useLongTasks(words);
  return (
    <section className="page-panel" aria-label={words.panels.figures}>
      <dl className="sky-figures">
        <Figure label={words.figures.painted} value={format.fps(totals.fps)} name="total-fps" />
        <Figure label={words.figures.received} value={format.fps(totals.receivedFps)} name="total-received" />
        <Figure label={words.figures.data} value={format.rate(totals.bytesPerSecond)} name="total-rate" />
        <Figure label={words.figures.drops} value={format.count(totals.dropped)} name="total-drops" />
        <Figure label={words.figures.roundTrip} value={format.trip(roundTrip)} name="total-trip" />
        <Figure label={words.figures.longTasks} value={longTasks} name="long-tasks" />
        <Figure
          label={words.figures.decoding}
          value={viewer.painter ? words.figures.methods[viewer.painter.method] : "–"}
          name="painting"
        />
      </dl>
      <ul className="page-slows" aria-label={words.figures.byCamera}>
        {worstFirst(cameras).map((camera) => (
          <CameraFigures key={camera.cameraId} camera={camera} roundTrip={roundTrip} />
        ))}
      </ul>
    </section>
  );
}

const WINDOW_MS = 10_000;

/** Counts the tasks that blocked the page for more than 50 ms, and returns their number and median duration as text. */
function useLongTasks(words: Words): string {
  const [durations, setDurations] = useState<readonly number[] | null>(null);
  useEffect(() => {
    if (!PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
    let tasks: PerformanceEntry[] = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
    observer.observe({ type: "longtask" });
    const timer = setInterval(() => {
      const now = performance.now();
      tasks = tasks.filter((task) => task.startTime > now - WINDOW_MS);
      setDurations(tasks.map((task) => task.duration).sort((a, b) => a - b));
    }, 1000);
    return () => {
      observer.disconnect();
      clearInterval(timer);
    };
  }, []);
  if (durations === null) return "–";
  const median = durations[Math.floor(durations.length / 2)];
  if (median === undefined) return words.figures.noLongTasks;
  return words.figures.longTasksOf(words.format.count(durations.length), `${words.format.count(median)} ms`);
}
