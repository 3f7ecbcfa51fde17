import { expect, it } from "vitest";
import { deviceSystem } from "../../src/core/device.js";
import { readPhone } from "../../src/core/phone.js";

it("reads what the server says of phones, and counts the seconds from now", () => {
  const code = { url: "https://h/capture?link=lnk_a", state: "used", expiresIn: 60 };
  expect(readPhone({ https: "https://h", selfSigned: true, code }, 1000)).toEqual({
    https: "https://h",
    selfSigned: true,
    code: { url: code.url, state: "used", expiresAt: 61_000 },
  });
  expect(readPhone({ code: { ...code, state: "new", expiresIn: null } }, 0).code).toMatchObject({
    state: "waiting",
    expiresAt: null,
  });
});

it("takes nothing else for an answer", () => {
  const nothing = { https: null, selfSigned: false, code: null };
  expect(readPhone({}, 0)).toEqual(nothing);
  expect(readPhone({ https: "javascript:alert(1)", selfSigned: 1, code: { url: 1 } }, 0)).toEqual(nothing);
});

it("tells systems apart, also iPads that say that they are Macs", () => {
  const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15";
  expect(deviceSystem({ userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)" })).toBe("ios");
  expect(deviceSystem({ userAgent: mac, maxTouchPoints: 5 })).toBe("ios");
  expect(deviceSystem({ userAgent: mac, maxTouchPoints: 0 })).toBe("macos");
  expect(deviceSystem({ userAgent: "Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/150" })).toBe("android");
  expect(deviceSystem({ userAgent: "Mozilla/5.0 (Windows NT 10.0) Chrome/150" })).toBe("windows");
  expect(deviceSystem({ userAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/150" })).toBe("linux");
});
