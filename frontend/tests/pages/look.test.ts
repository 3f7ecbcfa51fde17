import { describe, expect, it } from "vitest";
import { LookChoices, lookQuery, withoutLook } from "../../src/pages/look.js";

function fakeStorage(text: string | null = null) {
  let stored = text;
  return { getItem: () => stored, setItem: (_: string, value: string) => void (stored = value) };
}

describe("the look of the pages", () => {
  it("is as the address says, or else as it was chosen before", () => {
    const storage = fakeStorage();
    new LookChoices(storage, "").choose({ language: "de" });
    expect(new LookChoices(storage, "").look.getSnapshot().language).toBe("de");
    expect(new LookChoices(storage, "?lang=en-GB").look.getSnapshot().language).toBe("en");
    expect(new LookChoices(storage, "?lang=fr").look.getSnapshot().language).toBe("de");
    expect(new LookChoices(null, "").look.getSnapshot().language).toBeNull();
  });

  it("is not remembered because of an address that somebody sent", () => {
    const storage = fakeStorage();
    new LookChoices(storage, "?lang=de").choose({});
    expect(new LookChoices(storage, "").look.getSnapshot().language).toBeNull();
  });

  it("has a theme, chosen in the same ways", () => {
    const storage = fakeStorage();
    new LookChoices(storage, "?theme=contrast").choose({ theme: "dark" });
    expect(new LookChoices(storage, "").look.getSnapshot()).toEqual({ language: null, theme: "dark" });
    expect(new LookChoices(storage, "?theme=light").look.getSnapshot().theme).toBe("light");
    expect(new LookChoices(storage, "?theme=pink").look.getSnapshot().theme).toBe("dark");
    expect(lookQuery("?theme=dark&lang=de&id=a")).toBe("&lang=de&theme=dark");
    expect(withoutLook("?theme=dark&lang=de", { theme: null })).toBe("?lang=de");
  });

  it("survives a storage that is broken or full", () => {
    expect(new LookChoices(fakeStorage("{"), "").look.getSnapshot().language).toBeNull();
    expect(new LookChoices(fakeStorage("null"), "").look.getSnapshot().language).toBeNull();
    const full = {
      getItem: () => {
        throw new Error("forbidden");
      },
      setItem: () => {
        throw new Error("full");
      },
    };
    const choices = new LookChoices(full, "");
    choices.choose({ language: "de" });
    expect(choices.look.getSnapshot().language).toBe("de");
  });

  it("stays in the address of a page that writes its own, until the person chooses otherwise", () => {
    expect(lookQuery("?id=a&lang=de")).toBe("&lang=de");
    expect(lookQuery("?id=a")).toBe("");
    expect(withoutLook("?cams=a,b&lang=de", { language: "en" })).toBe("?cams=a,b");
    expect(withoutLook("?lang=de", { language: "en" })).toBe("");
    expect(withoutLook("?lang=de", {})).toBe("?lang=de");
  });
});
