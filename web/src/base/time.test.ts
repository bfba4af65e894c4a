import { beforeEach, describe, expect, it } from "vitest";
import { clock, DAY, HOUR, longSpan, MINUTE, SECOND, setZone, shortSpan, when, zoneOfSite } from "./time";

const SUMMER = Date.UTC(2026, 6, 1, 22, 30) * 1000;

describe("times", () => {
  beforeEach(() => setZone("Europe/London"));

  it("are written in the zone of the site, whatever zone the screen is in", () => {
    expect(clock(SUMMER)).toBe("23:30");
    setZone("Asia/Kolkata");
    expect(clock(SUMMER)).toBe("04:00");
  });

  it("are written in UTC where the zone is not known, and say so", () => {
    setZone("Mars/Olympus");
    expect(zoneOfSite()).toBe("UTC");
    expect(clock(SUMMER)).toBe("22:30");
  });

  it("bring their day along when it is not today", () => {
    expect(when(SUMMER - HOUR, SUMMER)).toBe("22:30");
    expect(when(SUMMER - DAY, SUMMER)).toMatch(/30 Jun/);
    expect(when(SUMMER - 7 * DAY, SUMMER)).toMatch(/24 Jun/);
  });
});

describe("ages", () => {
  it("are never said older than they are", () => {
    expect(shortSpan(59 * SECOND)).toBe("59 s");
    expect(shortSpan(119 * SECOND)).toBe("1 min");
    expect(shortSpan(119 * MINUTE)).toBe("119 min");
    expect(shortSpan(47 * HOUR)).toBe("47 h");
    expect(shortSpan(3 * DAY - 1)).toBe("2 d");
  });

  it("of what lies ahead are nothing, not a negative age", () => {
    expect(shortSpan(-5 * MINUTE)).toBe("0 s");
  });

  it("have long words for whoever listens", () => {
    expect(longSpan(MINUTE)).toBe("1 minute");
    expect(longSpan(3 * HOUR)).toBe("3 hours");
  });
});
