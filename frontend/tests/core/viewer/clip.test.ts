import { expect, it, vi } from "vitest";
import { chooseClipFormat } from "../../../src/core/viewer/clip.js";

it.each([
  ["a video", 200, "mkv"],
  ["an archive if the server cannot encode videos", 501, "zip"],
  ["a video, as the download itself shows the error", 404, "mkv"],
])("a clip is %s", async (_, status, format) => {
  const ask = vi.fn(() => Promise.resolve(new Response(null, { status })));
  await expect(chooseClipFormat("http://host/clip", ask)).resolves.toBe(format);
  expect(ask).toHaveBeenCalledWith("http://host/clip", { method: "HEAD", cache: "no-store" });
});

it("a clip is a video if the server does not answer", async () => {
  const ask = () => Promise.reject(new TypeError("failed to fetch"));
  await expect(chooseClipFormat("http://host/clip", ask)).resolves.toBe("mkv");
});
