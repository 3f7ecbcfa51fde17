import { describe, expect, it } from "vitest";
import { arrange, WallChoices } from "../../../src/core/viewer/wall-choices.js";

function memory(stored: string | null = null) {
  let value = stored;
  return { getItem: () => value, setItem: (_: string, text: string) => void (value = text) };
}
const cams = (...ids: string[]) => ids.map((cameraId) => ({ cameraId, status: "live" }));
const shown = (
  choices: WallChoices,
  cameras = cams("a", "b", "c"),
  group: string | null = null,
  only: string[] = [],
) => arrange(cameras, choices.settings.getSnapshot(), group, only).join("");

describe("the order of the wall", () => {
  it("appends new cameras and moves no other camera, whatever their names become", () => {
    const choices = new WallChoices();
    choices.note(["b", "c"]);
    choices.note(["a", "b", "c"]);
    expect(shown(choices)).toBe("bca");
    choices.note(["c", "b", "a"]);
    expect(shown(choices, cams("c", "b", "a"))).toBe("bca");
  });

  it("is the person's, and lasts", () => {
    const storage = memory();
    const choices = new WallChoices(storage);
    choices.note(["a", "b", "c"]);
    choices.move("c", "a", null);
    expect(shown(choices)).toBe("cab");
    choices.move("c", null, null);
    choices.mark("pinned", "b", true);
    expect(shown(new WallChoices(storage))).toBe("bac");
  });

  it("has groups with an order of their own", () => {
    const choices = new WallChoices();
    choices.note(["a", "b", "c"]);
    choices.setGroup("  Outside ", ["a", "c"]);
    choices.move("c", "a", "Outside");
    expect([shown(choices, undefined, "Outside"), shown(choices)]).toEqual(["ca", "abc"]);
    choices.setGroup("Outside", []);
    choices.setGroup(" ", ["a"]);
    expect(choices.settings.getSnapshot().groups).toEqual([]);
    expect(shown(choices, undefined, "Outside")).toBe("abc");
  });

  it("leaves out hidden cameras, and removed ones until they come back", () => {
    const choices = new WallChoices();
    const gone = [
      ...cams("a", "b"),
      { cameraId: "c", status: "offline" },
      { cameraId: "d", status: "stopped" },
    ];
    expect(shown(choices, gone)).toBe("abc");
    choices.mark("hidden", "a", true);
    choices.mark("removed", "c", true);
    expect(shown(choices, gone)).toBe("b");
    expect(shown(choices, cams("a", "b", "c"))).toBe("bc");
    choices.mark("removed", "c", false);
    choices.set({ hideOffline: true });
    expect(shown(choices, gone)).toBe("b");
    expect(choices.has("hidden", "a")).toBe(true);
  });

  it("is that of the address if the address names cameras", () => {
    const choices = new WallChoices();
    choices.note(["a", "b", "c"]);
    choices.mark("hidden", "c", true);
    choices.mark("pinned", "a", true);
    expect(shown(choices, undefined, null, ["c", "a"])).toBe("ca");
  });
});

describe("what is stored", () => {
  it.each([
    "",
    "null",
    "7",
    "[]",
    '{"order":7,"groups":[null,{"name":7},{"name":"x","cameras":"y"}],"layout":"9x9"}',
  ])("is read with care: %s", (stored) => {
    const { order, layout } = new WallChoices(memory(stored)).settings.getSnapshot();
    expect([order, layout]).toEqual([[], "auto"]);
  });

  it("leaves out invalid ids, and has a bound", () => {
    const choices = new WallChoices(memory(JSON.stringify({ order: ["a", "../x", "a", 5] })));
    expect(choices.settings.getSnapshot().order).toEqual(["a"]);
    choices.note(Array.from({ length: 2000 }, (_, index) => `cam-${index}`));
    expect(choices.settings.getSnapshot().order).toHaveLength(1000);
  });

  it("may be refused by the browser", () => {
    const refuse = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    const choices = new WallChoices({ getItem: refuse, setItem: refuse });
    choices.set({ layout: "2x2" });
    expect(choices.settings.getSnapshot().layout).toBe("2x2");
  });
});
