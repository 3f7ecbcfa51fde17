/** `<skysentry-viewer server="https://host/" client="front-door">`: one live camera on any page, without React. */

import type { GetToken } from "../core/access.js";
import { explain } from "../core/explain.js";
import { mountViewer, type MountedViewer } from "../core/viewer/mount-viewer.js";
import type { Surface } from "../core/viewer/painter.js";
import type { ViewerSnapshot } from "../core/viewer/snapshot.js";
import type { CameraStatus } from "../core/viewer/status.js";
import { watchVisibility } from "../core/viewer/visibility.js";
import { element as german } from "../core/words/de/element.js";
import { failures as germanFailures } from "../core/words/de/failures.js";
import { element as english } from "../core/words/en/element.js";
import { failures as englishFailures } from "../core/words/en/failures.js";
import { chooseLanguage, documentLanguage } from "../core/words/language.js";

// Set through the CSSOM, which a Content-Security-Policy allows without unsafe-inline.
const STYLE = `
:host { display: block; position: relative; overflow: hidden; background: #10141a; aspect-ratio: 16 / 9; }
:host([hidden]) { display: none; }
canvas { display: block; width: 100%; height: 100%; object-fit: contain; }
p { position: absolute; inset: auto 0 0 0; margin: 0; padding: 0.4em 0.7em; font: 0.85rem/1.4 system-ui, sans-serif;
    color: #fff; background: rgb(0 0 0 / 65%); }
p:empty { display: none; }
`;

const WORDS = {
  en: { ...english, failures: englishFailures },
  de: { ...german, failures: germanFailures },
};

interface Mounted {
  readonly surface: Surface;
  readonly unmount: () => void;
}

// A server has no HTMLElement, but may import this module.
const Base =
  (globalThis as { HTMLElement?: typeof HTMLElement }).HTMLElement ??
  (Object as unknown as typeof HTMLElement);

export class SkySentryViewerElement extends Base {
  static readonly observedAttributes = ["server", "client", "language"];

  private readonly root = this.attachShadow({ mode: "open" });
  private readonly caption = document.createElement("p");
  private mounted: Mounted | null = null;
  private scheduled = false;
  private tokenOf: GetToken | undefined;

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    this.root.adoptedStyleSheets = [sheet];
    this.caption.setAttribute("role", "status");
    this.root.append(this.caption);
  }

  connectedCallback(): void {
    this.scheduleRestart();
  }

  disconnectedCallback(): void {
    this.unmount();
  }

  attributeChangedCallback(): void {
    this.scheduleRestart();
  }

  /**
   * Returns the token for the server; asked again when the server refuses it, and before it expires. There is no
   * attribute for a token, because a secret does not belong into HTML.
   */
  get getToken(): GetToken | undefined {
    return this.tokenOf;
  }

  set getToken(getToken: GetToken | undefined) {
    if (getToken === this.tokenOf) return;
    this.tokenOf = getToken;
    this.scheduleRestart();
  }

  /** Resolves to the newest JPEG as the camera sent it, or to null if no frame has come. */
  async snapshot(): Promise<Blob | null> {
    return this.mounted?.surface.snapshot() ?? null;
  }

  /**
   * Restarts the viewer after the current script. So it restarts only once, although the browser reports each attribute
   * of a new element in a call of its own.
   */
  private scheduleRestart(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.unmount();
      if (this.isConnected) this.mount();
    });
  }

  private mount(): void {
    const cameraId = this.getAttribute("client") ?? "";
    if (cameraId === "") {
      this.showCaption(this.words.noClient);
      return;
    }
    let viewer: MountedViewer;
    try {
      viewer = mountViewer({
        server: this.getAttribute("server") ?? undefined,
        cameras: [cameraId],
        getToken: this.tokenOf,
      });
    } catch {
      this.showCaption(this.words.badServer);
      return;
    }
    const { session, painter } = viewer;
    const surface = painter.open(cameraId);
    surface.canvas.setAttribute("role", "img");
    surface.canvas.setAttribute("aria-label", this.words.label(cameraId));
    this.root.prepend(surface.canvas);
    const update = (): void => this.update(session.snapshot.getSnapshot());
    const unsubscribe = session.snapshot.subscribe(update);
    update();
    const unwatch = watchVisibility(this, (pixels) => session.setShownWidth(cameraId, pixels));
    this.mounted = {
      surface,
      unmount: () => {
        unwatch();
        unsubscribe();
        viewer.unmount();
        surface.canvas.remove();
      },
    };
  }

  private unmount(): void {
    this.mounted?.unmount();
    this.mounted = null;
  }

  private update(snapshot: ViewerSnapshot): void {
    const status = snapshot.cameras[0]?.status ?? "waiting";
    this.setAttribute("status", status);
    this.showCaption(this.captionOf(snapshot, status));
  }

  private captionOf({ link, lostAt, failure, cameras }: ViewerSnapshot, status: CameraStatus): string {
    if (failure) {
      const { title, advice } = explain(failure, this.words.failures);
      return `${title}. ${advice}`;
    }
    // The first attempt to connect needs no words.
    if (link === "refused") return this.words.refused;
    if (lostAt !== null && link !== "connecting") return this.words.unreachable;
    if (cameras[0]?.known === false) return this.words.notKnown;
    const captions: Partial<Record<CameraStatus, string>> = this.words.captions;
    return captions[status] ?? "";
  }

  /** The words of the language that the attribute names, or of the document. */
  private get words(): (typeof WORDS)["en"] {
    const language = this.getAttribute("language");
    return WORDS[language === null ? documentLanguage() : chooseLanguage(language)];
  }

  private showCaption(text: string): void {
    // Screen readers announce the text whenever it is written, even if it has not changed.
    if (this.caption.textContent !== text) this.caption.textContent = text;
  }
}

const registry = (globalThis as { customElements?: CustomElementRegistry }).customElements;
if (registry && !registry.get("skysentry-viewer"))
  registry.define("skysentry-viewer", SkySentryViewerElement);

declare global {
  interface HTMLElementTagNameMap {
    "skysentry-viewer": SkySentryViewerElement;
  }
}
