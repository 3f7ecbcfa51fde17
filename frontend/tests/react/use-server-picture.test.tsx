// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { useServerPicture } from "../../src/react/use-server-picture.js";
import { host, mountForEach, settle } from "./mounting.js";

mountForEach();

function Picture({ url, request }: { url: string; request?: typeof fetch }) {
  return <img alt="" src={useServerPicture(url, request)} />;
}

const src = () => host.querySelector("img")?.getAttribute("src");

describe("a picture of the server", () => {
  it("is shown from its address if it needs no token", async () => {
    await settle(<Picture url="http://host/a.jpg" />);
    expect(src()).toBe("http://host/a.jpg");
  });

  it("is requested with the token, and the one before stays if it does not come", async () => {
    const revoke = vi.spyOn(URL, "revokeObjectURL");
    const request = vi.fn<typeof fetch>(() => Promise.resolve(new Response("jpeg")));
    await settle(<Picture url="http://host/a.jpg" request={request} />);
    const first = src();
    expect(first).toMatch(/^blob:/);
    expect(request.mock.calls[0]?.[0]).toBe("http://host/a.jpg");
    request.mockResolvedValue(new Response("no", { status: 404 }));
    await settle(<Picture url="http://host/b.jpg" request={request} />);
    expect(src()).toBe(first);
    expect(revoke).toHaveBeenCalledWith(first);
  });
});
