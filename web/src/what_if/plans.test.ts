import { describe, expect, it } from "vitest";
import { added, changed, FIRST, type Plan, tabAfter, without } from "./plans";

describe("plans", () => {
  const a: Plan = { letter: "A", change: { peep: 12 } };

  it("begin as a copy, which then changes alone", () => {
    const both = added([a], a.change)!;
    expect(both.letter).toBe("B");
    const after = changed(both.plans, "B", { peep: 14 });
    expect(after.map((plan) => plan.change)).toEqual([{ peep: 12 }, { peep: 14 }]);
  });

  it("keep their letters when one is taken away, and there are four at most", () => {
    let plans: Plan[] = [...FIRST];
    for (let i = 0; i < 3; i++) plans = added(plans, {})!.plans;
    expect(added(plans, {})).toBeNull();
    const fewer = without(plans, "B");
    expect(fewer.map((plan) => plan.letter)).toEqual(["A", "C", "D"]);
    expect(added(fewer, {})!.plans.map((plan) => plan.letter)).toEqual(["A", "B", "C", "D"]);
  });

  it("are reached by arrow keys, around the end", () => {
    const tabs = ["none", "A", "B"];
    expect(tabAfter(tabs, "B", "ArrowRight")).toBe("none");
    expect(tabAfter(tabs, "none", "ArrowLeft")).toBe("B");
    expect(tabAfter(tabs, "A", "End")).toBe("B");
    expect(tabAfter(tabs, "A", "x")).toBeNull();
  });
});
