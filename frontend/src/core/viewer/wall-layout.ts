/** Chooses where each camera of a wall is, and on which page of the wall. */

import { fillSpace, fillWidth, GAP, type Place, type Space } from "./justified-rows.js";

/** `auto` gives each picture its own shape; the others have fixed places of 16:9. */
export const LAYOUTS = ["auto", "1+5", "2x2", "3x3"] as const;
export type LayoutName = (typeof LAYOUTS)[number];

export function isLayout(value: unknown): value is LayoutName {
  return LAYOUTS.includes(value as LayoutName);
}

export interface WallLayout {
  /** One place for each camera of the page that is shown. */
  readonly places: readonly Place[];
  /** Index of the first camera of the page. */
  readonly first: number;
  readonly page: number;
  readonly pages: number;
  /** Pixels. */
  readonly height: number;
}

/** The shape of a picture before it is known. */
export const DEFAULT_ASPECT = 16 / 9;
/** Pictures get no smaller than this, in pixels. The wall gets more pages instead. */
const MIN_HEIGHT = 150;
/** A narrower wall, such as that of a phone, scrolls instead. */
const SCROLL_WIDTH = 600;
/** A lower wall is that of a phone on its side. */
const SCROLL_HEIGHT = 480;
/** Pictures become smaller instead of scrolling, if they are taller than the screen by no more than this factor. */
const BARELY = 1.2;

/**
 * `page` is the page to show; a page that does not exist means the last one. `oneColumn` makes each picture of a narrow wall
 * as wide as the wall.
 */
export function layOut(
  aspects: readonly number[],
  space: Space,
  layout: LayoutName,
  page: number,
  oneColumn = false,
): WallLayout {
  if (layout === "auto" && scrolls(space)) {
    const narrow = space.width < SCROLL_WIDTH;
    const single = narrow && oneColumn;
    const long = single ? stack(aspects, space.width) : fillWidth(aspects, space.width, narrow ? 2 : 3);
    const short = fillSpace(aspects, space);
    // Few cameras fill the screen without scrolling. A wall that is little too tall would hide the last names.
    const fits = !single && (score(short) >= score(long) || heightOf(long) < BARELY * space.height);
    const places = fits ? short : long;
    return { places, first: 0, page: 0, pages: 1, height: heightOf(places) };
  }
  const ends = layout === "auto" ? pagesOf(aspects, space) : fixedPages(aspects.length, SIZES[layout]);
  const shown = Math.min(Math.max(0, page), ends.length - 1);
  const first = ends[shown - 1] ?? 0;
  const onPage = aspects.slice(first, ends[shown]);
  const places = layout === "auto" ? fillSpace(onPage, space) : fixedPlaces(onPage.length, space, layout);
  return { places, first, page: shown, pages: ends.length, height: space.height };
}

/** Places each picture below the one before. */
function stack(aspects: readonly number[], width: number): Place[] {
  let top = 0;
  return aspects.map((aspect) => {
    const place = { left: 0, top, width, height: Math.round(width / aspect) };
    top += place.height + GAP;
    return place;
  });
}

function heightOf(places: readonly Place[]): number {
  return Math.max(0, ...places.map(({ top, height }) => top + height));
}

function score(places: readonly Place[]): number {
  return places.reduce((total, { width, height }) => total + Math.sqrt(width * height), 0);
}

export function scrolls({ width, height }: Space): boolean {
  return width < SCROLL_WIDTH || height < SCROLL_HEIGHT;
}

/** Returns where each page ends. */
function pagesOf(aspects: readonly number[], space: Space): number[] {
  const ends: number[] = [];
  let start = 0;
  do {
    let end = aspects.length;
    // A rough estimate first, so that hundreds of cameras cost no time.
    const room = Math.ceil((1.5 * space.width * space.height) / (MIN_HEIGHT * MIN_HEIGHT));
    end = Math.min(end, start + Math.max(1, room));
    while (end - start > 1 && !fits(aspects.slice(start, end), space)) end--;
    ends.push(end);
    start = end;
  } while (start < aspects.length);
  return ends;
}

function fits(aspects: readonly number[], space: Space): boolean {
  return fillSpace(aspects, space).every(({ height }) => height >= Math.min(MIN_HEIGHT, space.height));
}

const SIZES = { "1+5": 6, "2x2": 4, "3x3": 9 } as const;

function fixedPages(count: number, size: number): number[] {
  const pages = Math.max(1, Math.ceil(count / size));
  return Array.from({ length: pages }, (_, page) => Math.min(count, (page + 1) * size));
}

/** In cells of a square grid: left, top and size. The first of 1+5 is four cells large. */
const CELLS = {
  "1+5": [
    [0, 0, 2],
    [2, 0, 1],
    [2, 1, 1],
    [0, 2, 1],
    [1, 2, 1],
    [2, 2, 1],
  ],
  "2x2": square(2),
  "3x3": square(3),
} as const;

function square(side: number): [number, number, number][] {
  return Array.from({ length: side * side }, (_, index) => [index % side, Math.floor(index / side), 1]);
}

function fixedPlaces(count: number, space: Space, layout: Exclude<LayoutName, "auto">): Place[] {
  const side = layout === "2x2" ? 2 : 3;
  const gaps = (side - 1) * GAP;
  const width = Math.max(
    0,
    Math.min((space.width - gaps) / side, ((space.height - gaps) / side) * DEFAULT_ASPECT),
  );
  const height = width / DEFAULT_ASPECT;
  const left = (space.width - side * width - gaps) / 2;
  const top = (space.height - side * height - gaps) / 2;
  return CELLS[layout].slice(0, count).map(([column, row, size]) => ({
    left: Math.round(left + column * (width + GAP)),
    top: Math.round(top + row * (height + GAP)),
    width: Math.floor(size * width + (size - 1) * GAP),
    height: Math.floor(size * height + (size - 1) * GAP),
  }));
}
