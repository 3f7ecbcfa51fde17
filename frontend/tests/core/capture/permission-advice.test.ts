import { expect, it } from "vitest";
import { permissionAdvice } from "../../../src/core/capture/permission-advice.js";

const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0";
const SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0";

it.each([
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) ${SAFARI} Mobile Safari/604.1`, 5, "Website Settings"],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) ${SAFARI} Safari/605.1.15`, 5, "Website Settings"],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) ${SAFARI} Safari/605.1.15`, 0, "menu Safari"],
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) CriOS/150.0 Mobile Safari/604.1`, 5, "Settings app"],
  [`Mozilla/5.0 (Linux; Android 15) ${CHROME} Mobile Safari/537.36`, 5, "choose Permissions"],
  [`Mozilla/5.0 (X11; Linux x86_64) ${CHROME} Safari/537.36`, 0, "switch Camera on"],
  [`Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0`, 0, "crossed-out camera"],
  [`Mozilla/5.0 (Android 15; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0`, 5, "for Firefox in Android"],
  ["Something else", 0, "site settings"],
])("tells a person with %s where to allow the camera", (userAgent, maxTouchPoints, words) => {
  const advice = permissionAdvice({ userAgent, maxTouchPoints });
  expect(advice).toContain(words);
  expect(advice).toContain("continues by itself");
});
