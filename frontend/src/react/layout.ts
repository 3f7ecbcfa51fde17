/** How many columns show all cameras as big as the space allows. */

export interface Space {
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly columns: number;
  /** Pixels. */
  readonly tileWidth: number;
}

export const GAP = 12;
/** The bar and the figures under each picture. */
const CHROME = 88;
const ASPECT = 16 / 9;
/** Narrower tiles would be unreadable: from there on the page scrolls. */
const NARROWEST = 304;

export function chooseLayout(count: number, { width, height }: Space): Layout {
  let best: Layout = { columns: 1, tileWidth: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - (columns - 1) * GAP) / columns;
    const byHeight = ((height - (rows - 1) * GAP) / rows - CHROME) * ASPECT;
    const tileWidth = Math.floor(Math.min(byWidth, byHeight));
    if (tileWidth > best.tileWidth) best = { columns, tileWidth };
  }
  if (best.tileWidth >= NARROWEST) return best;
  const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (NARROWEST + GAP))));
  return { columns, tileWidth: Math.floor((width - (columns - 1) * GAP) / columns) };
}
