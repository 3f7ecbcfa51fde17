/** Teaches TypeScript the element `<skysentry-viewer>` in JSX of React 18 and 19. */

import type { DetailedHTMLProps, HTMLAttributes } from "react";
// eslint-disable-next-line no-restricted-imports -- only a type, for `ref`
import type { SkySentryViewerElement } from "../element/index.js";

export interface SkySentryViewerAttributes extends HTMLAttributes<SkySentryViewerElement> {
  /** The server's address, for example `https://host/prefix/`; if left out, the server that served the page. */
  server?: string | undefined;
  /** The id of the camera. */
  client?: string | undefined;
  /** The language of the captions, `en` or `de`; if left out, the one of the document, or else of the browser. */
  language?: string | undefined;
  /** React 18 passes `className` to custom elements as it is; this one both versions understand. */
  class?: string | undefined;
}

export type SkySentryViewerProps = DetailedHTMLProps<SkySentryViewerAttributes, SkySentryViewerElement>;

declare module "react" {
  // Module augmentation knows no other way.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace JSX {
    interface IntrinsicElements {
      "skysentry-viewer": SkySentryViewerProps;
    }
  }
}
