import { expect, it } from "vitest";
import { permissionPlace } from "../../../src/core/capture/permission-place.js";

const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0";
const SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0";

it.each([
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) ${SAFARI} Mobile Safari/604.1`, 5, "apple-page"],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) ${SAFARI} Safari/605.1.15`, 5, "apple-page"],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) ${SAFARI} Safari/605.1.15`, 0, "safari"],
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) CriOS/150.0 Mobile Safari/604.1`, 5, "apple-settings"],
  [`Mozilla/5.0 (Linux; Android 15) ${CHROME} Mobile Safari/537.36`, 5, "chrome-phone"],
  [`Mozilla/5.0 (X11; Linux x86_64) ${CHROME} Safari/537.36`, 0, "chrome"],
  [`Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0`, 0, "firefox"],
  [`Mozilla/5.0 (Android 15; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0`, 5, "firefox-phone"],
  ["Something else", 0, "other"],
])("knows where a person with %s allows the camera", (userAgent, maxTouchPoints, place) => {
  expect(permissionPlace({ userAgent, maxTouchPoints })).toBe(place);
});
