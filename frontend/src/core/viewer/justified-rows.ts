/** Fills a space with pictures of different shapes in rows, so that no picture is cut and none has bars beside it. */

export interface Space {
  readonly width: number;
  readonly height: number;
}

/** Where a picture is, in pixels from the upper left corner of the wall. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels between two pictures. */
export const GAP = 6;

/**
 * Places pictures of these aspect ratios (width divided by height) in their order, as large as the space allows. The
 * measure is the sum of the square roots of the areas, which is large if no picture is tiny.
 */
export function fillSpace(aspects: readonly number[], { width, height }: Space): Place[] {
  let best: { rows: readonly number[]; scale: number; score: number } | undefined;
  for (let count = 1; count <= aspects.length; count++) {
    const rows = balance(aspects, count);
    const natural = heightsOf(aspects, rows, width);
    const room = height - (count - 1) * GAP;
    if (room <= 0) break;
    const scale = Math.min(1, room / sum(natural));
    const score = scale * scoreOf(aspects, rows, natural);
    if (!best || score > best.score) best = { rows, scale, score };
    // With more rows the pictures only get smaller.
    else if (scale < 1 && count > best.rows.length + 3) break;
  }
  if (!best || width <= 0) return aspects.map(() => ({ left: 0, top: 0, width: 0, height: 0 }));
  const heights = heightsOf(aspects, best.rows, width).map((natural) => natural * best.scale);
  const free = Math.max(0, height - sum(heights) - (heights.length - 1) * GAP);
  return placeRows(aspects, best.rows, heights, width, free / 2);
}

/** Places pictures in rows that fill the width, with about `columns` pictures of 16:9 in each row. The page scrolls. */
export function fillWidth(aspects: readonly number[], width: number, columns: number): Place[] {
  const target = (columns * 16) / 9;
  const rows = cheapestBreaks(aspects, (row) => Math.log(row / target) ** 2);
  // A single row may hold less than it should. It is then not stretched to the whole width.
  const limit = (1.6 * width) / target;
  const heights = heightsOf(aspects, rows, width).map((natural) => Math.min(natural, limit));
  return placeRows(aspects, rows, heights, width, 0);
}

/** Splits the pictures into `count` rows whose aspect ratios are as equal as possible. Returns where each row ends. */
function balance(aspects: readonly number[], count: number): number[] {
  const goal = sum(aspects) / count;
  // cost[r][i]: the least cost of the first i pictures in r rows.
  let cost = aspects.map(() => Number.POSITIVE_INFINITY);
  cost = [0, ...cost];
  const ends: number[][] = [];
  for (let row = 1; row <= count; row++) {
    const next = cost.map(() => Number.POSITIVE_INFINITY);
    const from = cost.map(() => 0);
    for (let end = row; end <= aspects.length; end++) {
      let aspect = 0;
      for (let start = end - 1; start >= row - 1; start--) {
        aspect += aspects[start] ?? 0;
        const total = (cost[start] ?? 0) + (aspect - goal) ** 2;
        if (total < (next[end] ?? 0)) {
          next[end] = total;
          from[end] = start;
        }
        if (aspect > 2 * goal) break;
      }
    }
    ends.push(from);
    cost = next;
  }
  const rows: number[] = [];
  for (let row = count - 1, end = aspects.length; row >= 0; row--) {
    rows.unshift(end);
    end = ends[row]?.[end] ?? 0;
  }
  return rows;
}

/** Splits the pictures into any number of rows with the least sum of costs. Returns where each row ends. */
function cheapestBreaks(aspects: readonly number[], costOf: (rowAspect: number) => number): number[] {
  const cost = [0];
  const from = [0];
  for (let end = 1; end <= aspects.length; end++) {
    let aspect = 0;
    cost[end] = Number.POSITIVE_INFINITY;
    for (let start = end - 1; start >= 0; start--) {
      aspect += aspects[start] ?? 0;
      const total = (cost[start] ?? 0) + costOf(aspect);
      if (total < (cost[end] ?? 0)) {
        cost[end] = total;
        from[end] = start;
      }
    }
  }
  const rows: number[] = [];
  for (let end = aspects.length; end > 0; end = from[end] ?? 0) rows.unshift(end);
  return rows;
}

/** Returns the height of each row if it fills the width. */
function heightsOf(aspects: readonly number[], rows: readonly number[], width: number): number[] {
  return rows.map((end, row) => {
    const start = rows[row - 1] ?? 0;
    return Math.max(0, width - (end - start - 1) * GAP) / sum(aspects.slice(start, end));
  });
}

function scoreOf(aspects: readonly number[], rows: readonly number[], heights: readonly number[]): number {
  return sum(
    rows.map((end, row) => (heights[row] ?? 0) * sum(aspects.slice(rows[row - 1] ?? 0, end).map(Math.sqrt))),
  );
}

function placeRows(
  aspects: readonly number[],
  rows: readonly number[],
  heights: readonly number[],
  width: number,
  firstTop: number,
): Place[] {
  const places: Place[] = [];
  let top = firstTop;
  rows.forEach((end, row) => {
    const start = rows[row - 1] ?? 0;
    const height = heights[row] ?? 0;
    const used = height * sum(aspects.slice(start, end)) + (end - start - 1) * GAP;
    let left = Math.max(0, (width - used) / 2);
    for (const aspect of aspects.slice(start, end)) {
      places.push(rounded(left, top, left + aspect * height, top + height));
      left += aspect * height + GAP;
    }
    top += height + GAP;
  });
  return places;
}

/** Whole pixels, so that edges are sharp. Edges are rounded, not sizes, so that gaps stay equal. */
function rounded(left: number, top: number, right: number, bottom: number): Place {
  const [x, y] = [Math.round(left), Math.round(top)];
  return { left: x, top: y, width: Math.round(right) - x, height: Math.round(bottom) - y };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
