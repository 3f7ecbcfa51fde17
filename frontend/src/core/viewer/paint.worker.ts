/** The painting worker: decodes JPEGs and paints them on canvases of the page. */

import type { FromPainter, ToPainter } from "./painter-messages.js";
import { Surfaces } from "./surfaces.js";

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<ToPainter>) => void) | null;
  postMessage(message: FromPainter): void;
};
const surfaces = new Surfaces((message) => scope.postMessage(message));
scope.onmessage = ({ data }) => surfaces.handle(data);
