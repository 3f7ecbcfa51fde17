/** The capture page: turns this browser into a camera. */

import { useEffect, useState } from "react";
import {
  DEFAULTS,
  generateCameraId,
  saveSettings,
  readAddress,
  loadSettings,
  sanitize,
  writeAddress,
  type CaptureSettings,
} from "../core/capture/settings.js";
import { claimCameraId } from "../core/capture/camera-id.js";
import { isCameraId } from "../core/protocol.js";
import { SkySentryClient } from "../react/skysentry-client.js";
import { PhoneCode } from "./phone-code.js";
import { mount, PageHead } from "./shell.js";

const STORAGE_KEY = "skysentry-capture";

/** `rememberedId` is the id that the browser stores, which another tab may use now. */
function CapturePage({ start, rememberedId }: { start: PageStart; rememberedId: string }) {
  const { autostart, badId, settings: initial } = start;
  const [settings, setSettings] = useState(initial);
  const misnamed = badId !== null && settings.cameraId === initial.cameraId;
  useEffect(() => {
    // This is delayed, because browsers refuse to change the address at every step of a slider.
    const timer = setTimeout(() => {
      const isGiven = settings.cameraId === initial.cameraId;
      saveSettings(storage(), STORAGE_KEY, isGiven ? { ...settings, cameraId: rememberedId } : settings);
      // The address keeps the invalid id, so that a reload shows the message again.
      if (misnamed) return;
      history.replaceState(null, "", `?${writeAddress(settings, { withId: true, autostart })}`);
    }, 300);
    return () => clearTimeout(timer);
  }, [settings, autostart, misnamed, initial, rememberedId]);
  return (
    <>
      <PageHead current="capture" />
      <main className="page-main page-main--capture">
        {misnamed ? (
          <div role="alert" className="sky-notice sky-notice--bad">
            <p className="sky-notice__title">The id “{badId}” in the address cannot be used</p>
            <p>
              Ids have 1–64 letters, digits, dots, dashes or underscores. Until you change it, this camera is
              called {initial.cameraId}.
            </p>
          </div>
        ) : null}
        <SkySentryClient
          clientId={initial.cameraId}
          name={initial.name}
          frameRate={initial.fps}
          quality={initial.quality}
          width={initial.width}
          facing={initial.facing}
          deviceId={initial.deviceId}
          demand={initial.demand}
          adapt={initial.adapt}
          // Viewers would not look for the camera under another id.
          autoStartCamera={autostart && badId === null}
          onSettingsChange={setSettings}
        >
          <PhoneCode settings={settings} />
        </SkySentryClient>
      </main>
    </>
  );
}

interface PageStart {
  readonly autostart: boolean;
  readonly badId: string | null;
  /** Whether the address names the id. */
  readonly isNamed: boolean;
  readonly settings: CaptureSettings;
}

/** Settings in the address override stored settings, which override the defaults. */
function readSettings(): PageStart {
  const { given, autostart } = readAddress(location.search);
  const stored = sanitize(loadSettings(storage(), STORAGE_KEY), {
    ...DEFAULTS,
    cameraId: generateCameraId(),
  });
  const { cameraId } = given;
  const badId = typeof cameraId === "string" && !isCameraId(cameraId) ? cameraId : null;
  return { autostart, badId, isNamed: isCameraId(cameraId), settings: sanitize(given, stored) };
}

function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    // Reading the property throws if cookies are blocked.
    return undefined;
  }
}

async function open(): Promise<void> {
  const start = readSettings();
  const { settings } = start;
  const locks = (navigator as Partial<Navigator>).locks;
  const cameraId = await claimCameraId(settings.cameraId, locks);
  // An id in the address is what viewers look for, so this page takes it, even from another tab.
  const own = start.isNamed ? start : { ...start, settings: { ...settings, cameraId } };
  mount(<CapturePage start={own} rememberedId={settings.cameraId} />);
}

void open();
