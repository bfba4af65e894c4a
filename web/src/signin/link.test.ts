import { expect, it } from "vitest";
import { secretOf } from "./link";

it("a one-time link gives its secret, and any other fragment none", () => {
  expect(secretOf("#link=a_B-9")).toBe("a_B-9");
  expect(secretOf("#other=1&link=x")).toBe("x");
  for (const none of ["", "#", "#link=", "#content"]) expect(secretOf(none)).toBeNull();
});
