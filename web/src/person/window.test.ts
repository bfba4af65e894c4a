import { expect, it } from "vitest";
import { DAY, HOUR, MINUTE } from "../base/time";
import { moved, windowOf } from "./window";

const NOW = 20_000 * DAY + 13 * MINUTE + 7;

it("a window follows the clock in whole minutes, and shows what is ahead where a forecast can be seen", () => {
  const day = windowOf({ range: "24h", until: null }, NOW);
  expect(day.stop - day.start).toBe(28 * HOUR);
  expect(windowOf({ range: "24h", until: null }, NOW + 1000)).toEqual(day);
  const month = windowOf({ range: "30d", until: null }, NOW);
  expect(month.stop - month.start).toBe(30 * DAY);
});

it("a window that was moved back stands still, and follows the clock again when it is moved to now", () => {
  const back = moved({ range: "6h", until: null }, NOW, -1);
  expect(back.until).toBe(NOW - 3 * HOUR);
  expect(windowOf(back, NOW + HOUR)).toEqual(windowOf(back, NOW));
  expect(moved(back, NOW, 1).until).toBeNull();
});
