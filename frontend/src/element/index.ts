/** `<skysentry-viewer server="https://host/" client="front-door">`: one live camera on any page, without React. */

import { Painter, type Surface } from "../core/viewer/painter.js";
import { watchVisibility } from "../core/viewer/visibility.js";
import { ViewerSession, type ViewerSnapshot } from "../core/viewer/session.js";

// Set through the CSSOM, which a Content-Security-Policy without unsafe-inline allows.
const STYLE = `
:host { display: block; position: relative; overflow: hidden; background: #10141a; aspect-ratio: 16 / 9; }
:host([hidden]) { display: none; }
canvas { display: block; width: 100%; height: 100%; object-fit: contain; }
p { position: absolute; inset: auto 0 0 0; margin: 0; padding: 0.4em 0.7em; font: 0.85rem/1.4 system-ui, sans-serif;
    color: #fff; background: rgb(0 0 0 / 65%); }
p:empty { display: none; }
`;

interface Running {
  readonly session: ViewerSession;
  readonly painter: Painter;
  readonly surface: Surface;
  readonly end: () => void;
}

export class SkySentryViewerElement extends HTMLElement {
  static readonly observedAttributes = ["server", "client"];

  private readonly root = this.attachShadow({ mode: "open" });
  private readonly caption = document.createElement("p");
  private running: Running | null = null;
  private scheduled = false;

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
    this.end();
  }

  attributeChangedCallback(): void {
    this.scheduleRestart();
  }

  /** The newest JPEG as the camera sent it, or null if there is none yet. */
  async snapshot(): Promise<Blob | null> {
    return this.running?.surface.snapshot() ?? null;
  }

  /** An element in the page's source tells each of its attributes first: wait until it has told them all. */
  private scheduleRestart(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.end();
      if (this.isConnected) this.begin();
    });
  }

  private begin(): void {
    const cameraId = this.getAttribute("client") ?? "";
    if (cameraId === "") {
      this.say("No camera chosen: the attribute “client” is missing.");
      return;
    }
    let session: ViewerSession;
    try {
      session = new ViewerSession({ server: this.getAttribute("server") ?? undefined, cameras: [cameraId] });
    } catch {
      this.say("The attribute “server” is no address of a server.");
      return;
    }
    const painter = new Painter(session);
    const surface = painter.open(cameraId);
    surface.canvas.setAttribute("role", "img");
    surface.canvas.setAttribute("aria-label", `Camera ${cameraId}`);
    this.root.prepend(surface.canvas);
    session.showOn(painter);
    const describe = (): void => this.describe(session.snapshot.getSnapshot());
    const followVisibility = (): void => session.setPaused(document.visibilityState === "hidden");
    const unsubscribe = session.snapshot.subscribe(describe);
    document.addEventListener("visibilitychange", followVisibility);
    followVisibility();
    const unwatch = watchVisibility(this, (pixels) => session.setShownWidth(cameraId, pixels));
    session.start();
    this.running = {
      session,
      painter,
      surface,
      end: () => {
        unwatch();
        unsubscribe();
        document.removeEventListener("visibilitychange", followVisibility);
        session.stop();
        painter.close();
        surface.canvas.remove();
      },
    };
  }

  private end(): void {
    this.running?.end();
    this.running = null;
  }

  private describe({ link, cameras: [camera] }: ViewerSnapshot): void {
    this.setAttribute("status", camera?.status ?? "waiting");
    if (link === "unreachable") this.say("The server cannot be reached");
    else if (camera?.status === "offline") this.say("The camera is offline");
    else if (camera?.status === "stalled") this.say("No new pictures");
    else this.say("");
  }

  private say(words: string): void {
    // Writing the same words again would have screen readers say them again.
    if (this.caption.textContent !== words) this.caption.textContent = words;
  }
}

if (!customElements.get("skysentry-viewer"))
  customElements.define("skysentry-viewer", SkySentryViewerElement);

declare global {
  interface HTMLElementTagNameMap {
    "skysentry-viewer": SkySentryViewerElement;
  }
}
