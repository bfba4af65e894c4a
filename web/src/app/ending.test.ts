import { expect, it } from "vitest";
import { HOUR, MINUTE } from "../base/time";
import { left } from "./ending";

it("a session is lengthened by what somebody does, but never beyond its end", () => {
  const idle = 15 * MINUTE;
  expect(left(idle, 14 * MINUTE, 8 * HOUR, HOUR)).toBe(MINUTE);
  expect(left(idle, 0, 8 * HOUR, HOUR)).toBe(15 * MINUTE);
  expect(left(idle, 0, 8 * HOUR, 8 * HOUR - MINUTE)).toBe(MINUTE);
});
