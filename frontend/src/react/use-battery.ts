import { useEffect, useState } from "react";

export interface Battery {
  /** 0-1. */
  readonly level: number;
  readonly charging: boolean;
}

type BatteryManager = EventTarget & Battery;
interface WithBattery {
  getBattery?(): Promise<BatteryManager>;
}

/** Returns the state of the battery; null if the browser does not tell it, as Firefox and Safari do not. */
export function useBattery(): Battery | null {
  const [battery, setBattery] = useState<Battery | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    (navigator as WithBattery).getBattery?.().then(
      (manager) => {
        const read = (): void => setBattery({ level: manager.level, charging: manager.charging });
        if (signal.aborted) return;
        read();
        manager.addEventListener("levelchange", read, { signal });
        manager.addEventListener("chargingchange", read, { signal });
      },
      // A page in a frame may not ask.
      () => undefined,
    );
    return () => controller.abort();
  }, []);
  return battery;
}
