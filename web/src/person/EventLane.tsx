import { useEffect, useMemo, useRef, useState } from "react";
import type { Micros, PersonEvent } from "../api/contract";
import { clock, when } from "../base/time";
import { t } from "../texts";
import { LABEL_PX, placed } from "./lanes";
import { AXIS_PX, RIGHT_PX, scaled } from "./plot";
import type { Window } from "./window";

interface Props {
  events: readonly PersonEvent[];
  window: Window;
  now: Micros;
  chosen: number | null;
  onChoose(event: PersonEvent): void;
}

function spoken(event: PersonEvent, now: Micros): string {
  const time = event.stop === null ? when(event.at, now) : `${when(event.at, now)}–${clock(event.stop)}`;
  return [time, event.title, event.detail].filter(Boolean).join(", ");
}

/** Events and doses on the axis of time of the charts below: a bar where they last, a point where they do not. */
export function EventLane({ events, window, now, chosen, onChoose }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const target = box.current;
    if (!target) return;
    const watch = new ResizeObserver(() => setWidth(target.clientWidth));
    watch.observe(target);
    return () => watch.disconnect();
  }, []);
  const shown = useMemo(() => placed(events, window, width, scaled(LABEL_PX)), [events, window, width]);
  const lanes = Math.max(1, ...shown.map((one) => one.lane + 1));
  return (
    <section className="events" aria-label={t.person.events}>
      <h2 className="group__title">{t.person.events}</h2>
      <div className="events__box" style={{ marginLeft: scaled(AXIS_PX), marginRight: scaled(RIGHT_PX) }}>
        <div className="events__lanes" ref={box} style={{ height: `calc(${lanes} * var(--lane))` }}>
          {shown.length ? null : <p className="quiet">{t.person.noEvents}</p>}
          {shown.map(({ event, lane, left, width: share, before }) => (
            <button
              key={event.seq}
              type="button"
              className={`event event--${event.kind}${before ? " event--before" : ""}`}
              aria-pressed={chosen === event.seq}
              aria-label={spoken(event, now)}
              title={spoken(event, now)}
              style={{
                ...(before ? { right: `${(1 - left - share) * 100}%` } : { left: `${left * 100}%` }),
                top: `calc(${lane} * var(--lane))`,
                maxWidth: `${(before ? left + share : 1 - left) * 100}%`,
              }}
              onClick={() => onChoose(event)}
            >
              <span className="event__bar" style={{ width: Math.max(5, share * width) }} />
              <span className="event__title" style={{ maxWidth: scaled(LABEL_PX - 16) }}>
                {event.title}
              </span>
            </button>
          ))}
        </div>
      </div>
    </section>
  );
}
