// @vitest-environment happy-dom
import { act } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { DEFAULTS } from "../../src/core/capture/settings.js";
import { SetUp } from "../../src/pages/set-up.js";
import { host, mountForEach, settle } from "../react/mounting.js";

mountForEach();

const SETTINGS = { ...DEFAULTS, cameraId: "camera-abc234" };
const TRUST = `<section id="linux"><h2>Linux</h2><p><a href="trust/a.pem">Load</a></p><ol><li>Do it.</li></ol></section>
  <section id="ios"><ol><li>Not this.</li></ol></section>`;
let phone: object;
let posted: string[];
let answerToPost: Response;

beforeEach(() => {
  posted = [];
  answerToPost = new Response("{}", { status: 201 });
  vi.stubGlobal("fetch", (asked: string | URL, options: RequestInit = {}) => {
    const url = String(asked);
    if (options.method === "POST") {
      posted.push(url);
      return Promise.resolve(answerToPost);
    }
    if (url.endsWith("/api/phone")) return Promise.resolve(new Response(JSON.stringify(phone)));
    if (url.endsWith("/trust")) return Promise.resolve(new Response(TRUST));
    return Promise.reject(new TypeError("the certificate is not trusted"));
  });
});

const show = () => settle(<SetUp settings={SETTINGS} onChange={() => undefined} />);
const steps = () =>
  [...host.querySelectorAll("section")].map((step) => step.ariaLabel ?? step.getAttribute("aria-label"));

it("leads to the secure page, and shows how this system trusts the server", async () => {
  phone = { https: "https://192.168.1.20:8443", selfSigned: true, code: null };
  await show();
  expect(host.querySelector<HTMLAnchorElement>("a.sky-button--primary")?.href).toMatch(
    /^https:\/\/192\.168\.1\.20:8443\/capture/,
  );
  expect(host.textContent).toContain("warns once");
  expect(host.querySelector(".set-up__trust")?.textContent).toContain("Do it.");
  expect(host.textContent).not.toContain("Not this.");
  // Who has switched https on does not want pictures to be sent without it.
  expect(host.querySelector('input[type="file"]')).toBeNull();
});

it("names the command that gives a server its secure page, and takes single pictures meanwhile", async () => {
  phone = { https: null, selfSigned: false, code: null };
  await show();
  expect(host.textContent).toContain("skysentry-trio serve --phone");
  expect(steps()).toContain("Or without https");
  const input = host.querySelector<HTMLInputElement>('input[type="file"]');
  expect(input?.accept).toBe("image/*");
  expect(input?.getAttribute("capture")).toBe("environment");
});

async function choose(readable: boolean): Promise<string> {
  vi.stubGlobal(
    "Image",
    class {
      naturalWidth = 4000;
      naturalHeight = 3000;
      decode = () => (readable ? Promise.resolve() : Promise.reject(new Error("HEIC")));
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
  vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation(function (
    this: HTMLCanvasElement,
    done,
  ) {
    expect([this.width, this.height]).toEqual([1280, 960]);
    done(new Blob(["jpeg"]));
  });
  phone = { https: null, selfSigned: false, code: null };
  await show();
  const input = host.querySelector<HTMLInputElement>('input[type="file"]');
  Object.defineProperty(input, "files", { value: [new File(["x"], "a.heic")] });
  await act(async () => {
    input?.dispatchEvent(new Event("change", { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
  return host.querySelector(".set-up__result")?.textContent ?? "";
}

it("sends a picture in the size of the camera, and says that it is there", async () => {
  expect(await choose(true)).toContain("on the wall");
  expect(posted).toEqual([expect.stringMatching(/\/api\/clients\/camera-abc234\/frames$/)]);
});

it("says why a picture was not sent", async () => {
  answerToPost = new Response(JSON.stringify({ code: "forbidden", error: "no right" }), { status: 403 });
  expect(await choose(true)).toContain("may not send");
});

it("says that the browser cannot read a picture, and sends nothing", async () => {
  expect(await choose(false)).toContain("HEIC");
  expect(posted).toEqual([]);
});
