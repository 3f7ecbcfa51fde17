/** The capture page: turns this browser into a camera. */

import { useCallback, useEffect, useState } from "react";
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
import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import { claimCameraId } from "../core/capture/camera-id.js";
import { isCameraId } from "../core/protocol.js";
import { isHandheld } from "../react/handheld.js";
import { SkySentryClient } from "../react/skysentry-client.js";
import { useWords } from "../react/words.js";
import { keepPages } from "./keep-pages.js";
import { signIn, takeLink } from "./page-access.js";
import { FoldedCode, PhoneCard, PhoneCode } from "./phone-code.js";
import { browserStorage } from "./browser-storage.js";
import { lookQuery } from "./look.js";
import { LookSettings } from "./look-settings.js";
import { SetUp } from "./set-up.js";
import { usePhone } from "./use-phone.js";
import { mount, PageHead } from "./shell.js";
import "../react/capture.css";
import "./capture-page.css";

const server = takeLink();
const STORAGE_KEY = "skysentry-capture";

/** `rememberedId` is the id that the browser stores, which another tab may use now. */
function CapturePage({ start, rememberedId }: { start: PageStart; rememberedId: string }) {
  const words = useWords();
  const { autostart, badId, settings: initial } = start;
  // None while the id is invalid: the address keeps it, so that a reload shows the message again.
  const [settings, setSettings] = useState<CaptureSettings | null>(null);
  const [live, setLive] = useState(false);
  const onStateChange = useCallback((snapshot: CaptureSnapshot) => setLive(snapshot.live), []);
  useEffect(() => {
    if (settings === null) return;
    // This is delayed, because browsers refuse to change the address at every step of a slider.
    const timer = setTimeout(() => {
      const isGiven = settings.cameraId === initial.cameraId;
      saveSettings(
        browserStorage(),
        STORAGE_KEY,
        isGiven ? { ...settings, cameraId: rememberedId } : settings,
      );
      const query = writeAddress(settings, { withId: true, autostart });
      history.replaceState(null, "", `?${query}${lookQuery(location.search)}`);
    }, 300);
    return () => clearTimeout(timer);
  }, [settings, autostart, initial, rememberedId]);
  useClaim(settings?.cameraId ?? initial.cameraId, initial.cameraId);
  useLiveTitle(live, nameOf(settings ?? initial));
  // A phone is a camera by itself.
  const phone = usePhone(isHandheld());
  const code = phone.info?.code ?? null;
  return (
    <>
      <PageHead current="capture" />
      <main className="page-main page-main--capture">
        {code === null ? null : <PhoneCard code={code} renew={phone.renew} />}
        <SkySentryClient
          {...(server !== undefined && { serverUrl: server })}
          onSignIn={signIn}
          clientId={badId ?? initial.cameraId}
          name={initial.name}
          frameRate={initial.fps}
          quality={initial.quality}
          width={initial.width}
          facing={initial.facing}
          deviceId={initial.deviceId}
          demand={initial.demand}
          adapt={initial.adapt}
          skipStill={initial.skipStill}
          autoStartCamera={autostart}
          autoPreview
          onSettingsChange={setSettings}
          onStateChange={onStateChange}
          watchCode={(address) => <FoldedCode title={words.code.show} text={address} />}
        >
          {code === null ? <PhoneCode settings={settings ?? initial} /> : null}
          <details className="sky-fold">
            <summary>{words.panels.look}</summary>
            <LookSettings />
          </details>
          <p className="page-capture-nav">
            <a href="./">{words.page.allCameras}</a>
          </p>
        </SkySentryClient>
      </main>
    </>
  );
}

/** Without https, browsers give no page a camera. */
function SetUpPage({ initial }: { initial: CaptureSettings }) {
  const [settings, setSettings] = useState(initial);
  // All pictures of this browser are from one camera.
  useEffect(() => saveSettings(browserStorage(), STORAGE_KEY, settings), [settings]);
  return (
    <>
      <PageHead current="capture" />
      <SetUp settings={settings} serverUrl={server} onChange={setSettings} />
    </>
  );
}

function nameOf({ name, cameraId }: CaptureSettings): string {
  return name === "" ? cameraId : name;
}

/** Keeps an id that was chosen on the page for this tab, so that the next tab does not take it. */
function useClaim(cameraId: string, first: string): void {
  useEffect(() => {
    if (cameraId !== first) void claimCameraId(cameraId, lockManager());
  }, [cameraId, first]);
}

/** Marks a page that sends: in its title, for the system, and by a question before it is closed. */
function useLiveTitle(live: boolean, name: string): void {
  const words = useWords();
  useEffect(() => {
    document.title = live ? words.page.liveTitle(name) : words.page.captureTitle;
    const { mediaSession } = navigator as Partial<Navigator>;
    if (mediaSession && typeof MediaMetadata !== "undefined") {
      mediaSession.metadata = live ? new MediaMetadata({ title: name, artist: words.page.liveCamera }) : null;
    }
    if (!live) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [live, name, words]);
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
  const stored = sanitize(loadSettings(browserStorage(), STORAGE_KEY), {
    ...DEFAULTS,
    cameraId: generateCameraId(),
  });
  const { cameraId } = given;
  const badId = typeof cameraId === "string" && !isCameraId(cameraId) ? cameraId : null;
  return { autostart, badId, isNamed: isCameraId(cameraId), settings: sanitize(given, stored) };
}

function lockManager(): LockManager | undefined {
  return (navigator as Partial<Navigator>).locks;
}

async function open(): Promise<void> {
  const start = readSettings();
  const { settings } = start;
  const cameraId = await claimCameraId(settings.cameraId, lockManager());
  // An id in the address is what viewers look for, so this page takes it, even from another tab.
  const own = start.isNamed ? start : { ...start, settings: { ...settings, cameraId } };
  await mount(
    globalThis.isSecureContext ? (
      <CapturePage start={own} rememberedId={settings.cameraId} />
    ) : (
      <SetUpPage initial={own.settings} />
    ),
  );
}

void open();
keepPages();
