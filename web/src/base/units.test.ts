import { describe, expect, it } from "vitest";
import { number, textWritten, unitOf, unitWritten, valueWithUnit } from "./units";

describe("units", () => {
  it("never use a sign that has been misread at a bedside", () => {
    for (const ucum of ["ug/kg/min", "ug/h", "[iU]/h", "[iU]", "ug/kg/h", "ug/mL"]) {
      expect(unitWritten(ucum)).not.toMatch(/[µμ]|\bIU\b|\biU\b|\bU\b|\bug\b|mcg/);
    }
  });

  it("of the server's sentences are written as people write them", () => {
    expect(textWritten("norepinephrine 0.1 ug/kg/min, PaO2 60")).toBe("noradrenaline 0.1 microgram/kg/min, PaO₂ 60");
    expect(textWritten("PEEP 12 cmH2O")).toBe("PEEP 12 cmH₂O");
  });

  it("have no brackets of UCUM", () => {
    expect(unitWritten("mm[Hg]")).toBe("mmHg");
    expect(unitWritten("[degF]")).toBe("degF");
  });

  it("of a fraction that people say in per cent are per cent", () => {
    expect(valueWithUnit("fio2", "1", 0.4)).toBe("40 %");
    expect(unitOf("fio2", "1")).toBe("%");
    expect(valueWithUnit("glasgow_coma_scale", "1", 15)).toBe("15");
  });
});

it("a code is said in words, never as a number that nobody knows", () => {
  expect(valueWithUnit("ventilator_mode", "1", 1)).toBe("volume control");
  expect(valueWithUnit("ventilator_mode", "1", 99)).toBe("99");
});

describe("numbers", () => {
  it("have the digits with which the channel is charted", () => {
    expect(number("temperature", 37)).toBe("37.0");
    expect(number("arterial_ph", 7.4)).toBe("7.40");
    expect(number("heart_rate", 91.7)).toBe("92");
    expect(number("something_new", 0.012345)).toBe("0.0123");
  });

  it("are never minus zero, and a minus is a minus", () => {
    expect(number("base_excess", -0.04)).toBe("0.0");
    expect(number("base_excess", -3.2)).toBe("−3.2");
  });
});
