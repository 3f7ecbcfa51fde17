/** The capture page: this browser is a camera. */

import { useEffect, useState } from "react";
import {
  DEFAULTS,
  inventClientId,
  keep,
  readAddress,
  readKept,
  sanitize,
  writeAddress,
  type CaptureSettings,
} from "../core/capture/settings.js";
import { SkySentryClient } from "../react/skysentry-client.js";
import { PhoneCode } from "./phone-code.js";
import { mount, PageHead } from "./shell.js";

const STORAGE_KEY = "skysentry-capture";

function CapturePage() {
  const [{ autostart, settings: initial }] = useState(readSettings);
  const [settings, setSettings] = useState(initial);
  useEffect(() => {
    // Not at every step of a slider: browsers refuse an address that changes too often.
    const timer = setTimeout(() => {
      keep(storage(), STORAGE_KEY, settings);
      history.replaceState(null, "", `?${writeAddress(settings, { withId: true, autostart })}`);
    }, 300);
    return () => clearTimeout(timer);
  }, [settings, autostart]);
  return (
    <>
      <PageHead current="capture" />
      <main className="page-main page-main--capture">
        <SkySentryClient
          clientId={initial.clientId}
          name={initial.name}
          frameRate={initial.fps}
          quality={initial.quality}
          width={initial.width}
          facing={initial.facing}
          deviceId={initial.deviceId}
          demand={initial.demand}
          adapt={initial.adapt}
          autoStartCamera={autostart}
          onSettingsChange={setSettings}
        >
          <PhoneCode settings={settings} />
        </SkySentryClient>
      </main>
    </>
  );
}

/** The address goes before what the browser kept, and that before the defaults. */
function readSettings(): { autostart: boolean; settings: CaptureSettings } {
  const { given, autostart } = readAddress(location.search);
  const kept = sanitize(readKept(storage(), STORAGE_KEY), { ...DEFAULTS, clientId: inventClientId() });
  return { autostart, settings: sanitize(given, kept) };
}

function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    // Reading the property alone throws where cookies are blocked.
    return undefined;
  }
}

mount(<CapturePage />);
