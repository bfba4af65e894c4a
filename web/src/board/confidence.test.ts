import { expect, it } from "vitest";
import { confidence } from "./confidence";

const doubt = (score: number, wider: number) => ({ score, wider, reason: "", helps: "", narrower: 0 });

it("confidence falls with worse data and with a wider forecast, and the worse of the two decides", () => {
  expect(confidence(doubt(1, 1))).toBe(3);
  expect(confidence(doubt(0.7, 1))).toBe(2);
  expect(confidence(doubt(1, 2))).toBe(1);
  expect(confidence(doubt(0.1, 1))).toBe(0);
  const falling = [1, 0.7, 0.4, 0.2].map((score) => confidence(doubt(score, 1)));
  expect(falling).toEqual([...falling].sort().reverse());
});
