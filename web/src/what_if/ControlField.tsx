import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { t } from "../texts";
import { parsed, reachOf, type Shown, same, stepped, withUnit, written } from "./controls";

interface Props {
  control: Shown;
  value: number;
  /** While a hand moves: what is shown follows, nothing is asked. */
  onMove(value: number): void;
  /** A hand let go, a key was pressed, or something was typed. */
  onRelease(value: number, typed: boolean): void;
}

/** Arrow keys in the field; page keys in both. Null for another key. */
function byKey(control: Shown, value: number, key: string, arrows: boolean): number | null {
  if (key === "PageUp") return stepped(control, value, 1, "page");
  if (key === "PageDown") return stepped(control, value, -1, "page");
  if (arrows && key === "ArrowUp") return stepped(control, value, 1);
  if (arrows && key === "ArrowDown") return stepped(control, value, -1);
  return null;
}

/** One thing that can be set: a slider, a field for the exact value, and the way back to what is set now. */
export function ControlField({ control, value, onMove, onRelease }: Props) {
  const id = useId();
  const slider = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const release = useRef(onRelease);
  release.current = onRelease;
  const changed = !same(control, value, control.now);
  const top = reachOf(control, value);
  const share = (at: number) => (at - control.low) / (top - control.low || 1);
  const wrong = typed !== null && parsed(control, typed) === null;

  // The event of the browser: that of React comes with every move.
  useEffect(() => {
    const element = slider.current!;
    const let_go = () => release.current(Number(element.value), false);
    element.addEventListener("change", let_go);
    return () => element.removeEventListener("change", let_go);
  }, []);

  const keys = (arrows: boolean) => (event: KeyboardEvent) => {
    const next = byKey(control, value, event.key, arrows);
    if (next === null) return;
    event.preventDefault();
    setTyped(null);
    onRelease(next, true);
  };
  const type = (text: string) => {
    setTyped(text);
    const next = parsed(control, text);
    if (next !== null) onRelease(next, true);
  };
  const range = t.whatIf.range(written(control, control.low), withUnit(control, written(control, control.high)));

  return (
    <div
      className={`control${changed ? " control--changed" : ""}`}
      style={{ "--share": share(value), "--now": share(control.now) } as React.CSSProperties}
    >
      <label className="control__label" htmlFor={`${id}-field`}>
        {control.label}
      </label>
      <span className="control__value">
        <input
          id={`${id}-field`}
          className="control__field"
          type="text"
          inputMode="decimal"
          autoComplete="off"
          spellCheck={false}
          value={typed ?? written(control, value)}
          aria-invalid={wrong}
          aria-describedby={`${id}-range`}
          onChange={(event) => type(event.target.value)}
          onKeyDown={keys(true)}
          onBlur={() => !wrong && setTyped(null)}
        />
        <span className="control__unit">{control.unit}</span>
      </span>
      <span className="control__track">
        <input
          ref={slider}
          type="range"
          className="control__slider"
          min={control.low}
          max={top}
          step={control.step}
          value={value}
          aria-label={t.whatIf.sliderOf(control.label)}
          aria-valuetext={t.whatIf.valueText(withUnit(control, written(control, value)), written(control, control.now))}
          onChange={(event) => {
            setTyped(null);
            onMove(Number(event.target.value));
          }}
          onKeyDown={keys(false)}
        />
      </span>
      <button
        type="button"
        className="control__now"
        disabled={!changed && !wrong}
        aria-label={t.whatIf.backToNow(control.label, withUnit(control, written(control, control.now)))}
        onClick={() => {
          setTyped(null);
          onRelease(control.now, false);
        }}
      >
        {t.whatIf.now(written(control, control.now))}
      </button>
      <span id={`${id}-range`} className={wrong ? "control__wrong" : "heard"} role={wrong ? "alert" : undefined}>
        {range}
      </span>
    </div>
  );
}
