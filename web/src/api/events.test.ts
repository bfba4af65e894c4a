import { describe, expect, it } from "vitest";
import { EventReader, waitBefore } from "./events";

describe("a stream of server-sent events", () => {
  it("gives an event when its empty line has come, and not before", () => {
    const reader = new EventReader();
    expect(reader.read("id: 7\nevent: board\ndata: {}")).toEqual([]);
    expect(reader.read("\n")).toEqual([]);
    expect(reader.read("\n")).toEqual([{ id: "7", event: "board", data: "{}" }]);
  });

  it("reads the same however it is cut into pieces", () => {
    const text =
      'id: 1\r\nevent: board\r\ndata: {"a":1}\r\n\r\n: comment\r\nid: 2\rdata: b\rdata: c\r\rid: 3\ndata: d\n\n';
    const whole = new EventReader().read(text);
    const reader = new EventReader();
    expect([...text].flatMap((letter) => reader.read(letter))).toEqual(whole);
    expect(whole.map((one) => one.data)).toEqual(['{"a":1}', "b\nc", "d"]);
  });

  it("keeps the last id for events that bring none, so that nothing is resumed from too early", () => {
    const reader = new EventReader();
    expect(reader.read("id: 5\ndata: x\n\ndata: y\n\n").map((one) => one.id)).toEqual(["5", "5"]);
  });

  it("gives nothing for a comment that keeps the line open", () => {
    expect(new EventReader().read(": ping\n\n")).toEqual([]);
  });
});

describe("the wait before a stream is tried again", () => {
  it("grows, has an end, and is not the same for everybody", () => {
    expect(waitBefore(0, 1)).toBeLessThan(waitBefore(3, 1));
    expect(waitBefore(60, 1)).toBe(15_000);
    expect(waitBefore(3, 0)).toBeLessThan(waitBefore(3, 1));
  });
});
