/** Chooses the number of columns that shows all cameras as large as possible. */

export interface Space {
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly columns: number;
  /** Pixels. */
  readonly tileWidth: number;
}

/** Pixels between two tiles. */
export const GAP = 12;
/** Pixels below each picture, for its bar and its figures. */
const BAR_HEIGHT = 88;
const ASPECT = 16 / 9;
/** Tiles are at least this wide, to stay readable. If there is no room for this, the page scrolls. */
const MIN_TILE_WIDTH = 304;

export function chooseLayout(count: number, { width, height }: Space): Layout {
  let best: Layout = { columns: 1, tileWidth: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - (columns - 1) * GAP) / columns;
    const byHeight = ((height - (rows - 1) * GAP) / rows - BAR_HEIGHT) * ASPECT;
    const tileWidth = Math.floor(Math.min(byWidth, byHeight));
    if (tileWidth > best.tileWidth) best = { columns, tileWidth };
  }
  if (best.tileWidth >= MIN_TILE_WIDTH) return best;
  const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (MIN_TILE_WIDTH + GAP))));
  return { columns, tileWidth: Math.floor((width - (columns - 1) * GAP) / columns) };
}
