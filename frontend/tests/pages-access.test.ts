// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { pageAfterSignIn, takeLink } from "../src/pages/page-access.js";

describe("the signed link of a page", () => {
  it("leaves the visible address, and is in the server's address for connections", () => {
    history.replaceState(null, "", "/cams/?view=door&link=lnk_a%2Fb");
    expect(takeLink()).toBe("./?link=lnk_a%2Fb");
    expect(location.search).toBe("?view=door");
    expect(takeLink()).toBeUndefined();
  });
});

describe("the page after signing in", () => {
  it.each([
    ["/cams/?view=door", "https://host/cams/?view=door"],
    ["/cams/admin", "https://host/cams/admin"],
    [null, "https://host/cams/"],
    ["https://evil.example/", "https://host/cams/"],
    ["//evil.example/", "https://host/cams/"],
    ["/\\\\evil.example/", "https://host/cams/"],
    ["javascript:alert(1)", "https://host/cams/"],
    ["/cams/sign-in?next=/cams/sign-in", "https://host/cams/"],
  ])("for %s is %s", (next, page) => {
    expect(pageAfterSignIn(next, "https://host/cams/sign-in?next=x")).toBe(page);
  });
});
