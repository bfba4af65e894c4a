import { expect, it } from "vitest";
import type { Row } from "../api/contract";
import { announcements } from "./announce";

const ward = (low: number) =>
  new Map([
    [
      "a",
      {
        subject: "a",
        place: "Bed 3",
        news2: { low, high: low, complete: true, parts: [], changed: null },
      } as unknown as Row,
    ],
  ]);

it("a score is said aloud when it rises into a higher band, not when it moves within one or falls", () => {
  expect(announcements(ward(4), ward(5))).toEqual(["Bed 3: early-warning score now 5"]);
  expect(announcements(ward(5), ward(6))).toEqual([]);
  expect(announcements(ward(7), ward(2))).toEqual([]);
  expect(announcements(new Map(), ward(9))).toEqual([]);
});
