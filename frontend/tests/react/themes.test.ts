import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** Returns the colours in the first block of a style sheet that begins with this selector. */
function colours(file: string, selector: string): string[] {
  const css = readFileSync(`src/react/${file}`, "utf8");
  const from = css.indexOf(`${selector} {`);
  expect(from).toBeGreaterThan(0);
  return css.slice(from, css.indexOf("}", from)).match(/--sky-[^;]+;/g) ?? [];
}

const names = (list: string[]) => list.map((line) => line.split(":")[0]);

it("the dark theme is the one of a dark system", () => {
  const system = colours("skysentry.css", ":root:not([data-sky-theme])");
  expect(system.length).toBeGreaterThan(10);
  expect(colours("themes.css", ':root[data-sky-theme="dark"]')).toEqual(system);
});

it("the theme with high contrast replaces every colour, also those over pictures", () => {
  const contrast = names(colours("themes.css", ':root[data-sky-theme="contrast"]'));
  const all = [
    ...colours("skysentry.css", ":root:not([data-sky-theme])"),
    ...colours("viewer.css", "\n:root"),
  ];
  expect(names(all).filter((name) => !contrast.includes(name))).toEqual([]);
});
