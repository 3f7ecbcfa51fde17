import { expect, it, vi } from "vitest";
import { chooseClipFormat } from "../../../src/core/viewer/clip.js";

it.each([
  ["a film", 200, "mkv"],
  ["pictures from a server that makes no films", 501, "zip"],
  ["a film, as the download will say what is wrong", 404, "mkv"],
])("a clip is %s", async (_, status, format) => {
  const ask = vi.fn(() => Promise.resolve(new Response(null, { status })));
  await expect(chooseClipFormat("http://host/clip", ask)).resolves.toBe(format);
  expect(ask).toHaveBeenCalledWith("http://host/clip", { method: "HEAD", cache: "no-store" });
});

it("a clip is a film when nobody answers", async () => {
  const ask = () => Promise.reject(new TypeError("failed to fetch"));
  await expect(chooseClipFormat("http://host/clip", ask)).resolves.toBe("mkv");
});
