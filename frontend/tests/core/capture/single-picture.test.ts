import { expect, it } from "vitest";
import { postPicture } from "../../../src/core/capture/single-picture.js";

const JPEG = new Blob(["jpeg"], { type: "image/jpeg" });

async function post(answer: Response | Error) {
  const asked: RequestInit[] = [];
  const result = await postPicture("http://h/api/clients/a/frames", JPEG, (_url, options = {}) => {
    asked.push(options);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  expect(asked).toMatchObject([{ method: "POST", body: JPEG, headers: { "Content-Type": "image/jpeg" } }]);
  return result;
}

function refusal(status: number, code: string, error: string) {
  return new Response(JSON.stringify({ error, code, success: false }), { status });
}

it("posts a picture as a camera that posts its frames", async () => {
  expect(await post(new Response("{}", { status: 201 }))).toEqual({ kind: "sent" });
});

it("says why the server refused a picture", async () => {
  expect(await post(refusal(413, "frame-too-large", "a frame may have 1 bytes, got 4."))).toEqual({
    kind: "refused",
    code: "frame-too-large",
    reason: "a frame may have 1 bytes, got 4",
  });
  expect(await post(refusal(403, "forbidden", "not this camera"))).toEqual({
    kind: "failed",
    failure: { kind: "access-refused", code: "forbidden", reason: "not this camera" },
  });
  expect(await post(new Response("<html>", { status: 502 }))).toEqual({
    kind: "failed",
    failure: { kind: "http-refused", status: 502 },
  });
});

it("says that the server did not answer", async () => {
  expect(await post(new TypeError("offline"))).toMatchObject({ failure: { kind: "server-gone" } });
});
