// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { PastCameras } from "../../src/pages/past-cameras.js";
import { cameraSnapshot, fakeControls, fakeViewer } from "../react/fake-viewer.js";
import { host, mountForEach, settle } from "../react/mounting.js";

mountForEach();

function recorded(clientId: string): Record<string, unknown> {
  return { clientId, oldestAt: "2026-11-03T10:00:00.000+00:00", newestAt: "2026-11-05T10:00:00.000+00:00" };
}

async function listed(answer: Response, opened: unknown[] = []): Promise<string[]> {
  const controls = { ...fakeControls(), request: () => Promise.resolve(answer) };
  const { viewer } = fakeViewer([cameraSnapshot("gate"), cameraSnapshot("yard", { known: false })], controls);
  await settle(<PastCameras viewer={viewer} onOpen={(...camera) => opened.push(camera)} />);
  return [...host.querySelectorAll("li")].map((one) => one.textContent);
}

it("lists the cameras with recordings that the server does not know, and opens them at their end", async () => {
  const opened: unknown[] = [];
  const answer = { cameras: [recorded("gate"), recorded("yard"), recorded("shed"), { clientId: "broken" }] };
  expect(await listed(Response.json(answer), opened)).toEqual([
    expect.stringMatching(/^yardNov\s3\s–\s5, 2026$/),
    expect.stringMatching(/^shedNov\s3\s–\s5, 2026$/),
  ]);
  host.querySelector("button")?.click();
  expect(opened).toEqual([["yard", Date.parse("2026-11-05T10:00:00Z")]]);
});

it("shows nothing if the server records nothing, or says nothing to this person", async () => {
  expect(await listed(Response.json({ error: "no" }, { status: 404 }))).toEqual([]);
  expect(host.textContent).toBe("");
});
