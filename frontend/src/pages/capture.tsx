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
import { isCameraId } from "../core/protocol.js";
import { SkySentryClient } from "../react/skysentry-client.js";
import { PhoneCode } from "./phone-code.js";
import { mount, PageHead } from "./shell.js";

const STORAGE_KEY = "skysentry-capture";

function CapturePage() {
  const [{ autostart, badId, settings: initial }] = useState(readSettings);
  const [settings, setSettings] = useState(initial);
  const misnamed = badId !== null && settings.cameraId === initial.cameraId;
  useEffect(() => {
    // This is delayed, because browsers refuse to change the address at every step of a slider.
    const timer = setTimeout(() => {
      saveSettings(storage(), STORAGE_KEY, settings);
      // The address keeps the invalid id, so that a reload shows the message again.
      if (misnamed) return;
      history.replaceState(null, "", `?${writeAddress(settings, { withId: true, autostart })}`);
    }, 300);
    return () => clearTimeout(timer);
  }, [settings, autostart, misnamed]);
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

/** Settings in the address override stored settings, which override the defaults. */
function readSettings(): { autostart: boolean; badId: string | null; settings: CaptureSettings } {
  const { given, autostart } = readAddress(location.search);
  const stored = sanitize(loadSettings(storage(), STORAGE_KEY), {
    ...DEFAULTS,
    cameraId: generateCameraId(),
  });
  const { cameraId } = given;
  const badId = typeof cameraId === "string" && !isCameraId(cameraId) ? cameraId : null;
  return { autostart, badId, settings: sanitize(given, stored) };
}

function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    // Reading the property throws if cookies are blocked.
    return undefined;
  }
}

mount(<CapturePage />);
