import { type KeyboardEvent, useId, useRef } from "react";
import type { Control } from "../api/contract";
import { useSession } from "../app/session";
import { Icon } from "../parts/Icon";
import { t } from "../texts";
import { ControlField } from "./ControlField";
import { differing, inWords, type Shown, valueOf, withUnit, withValue, written } from "./controls";
import { isEmpty, type Letter, LETTERS, type Plan, tabAfter } from "./plans";
import { Propose } from "./Propose";
import type { Plans } from "./usePlans";

const GROUPS: readonly Control["group"][] = ["ventilator", "drug", "fluid"];

function Tabs({ plans, id }: { plans: Plans; id: string }) {
  const box = useRef<HTMLDivElement>(null);
  const tabs: (Letter | null)[] = [null, ...plans.made.map((plan) => plan.letter)];
  const move = (event: KeyboardEvent) => {
    const next = tabAfter(tabs, plans.open, event.key);
    if (next === null && !["ArrowLeft", "ArrowRight", "Home"].includes(event.key)) return;
    event.preventDefault();
    plans.setOpen(next);
    box.current?.querySelectorAll<HTMLButtonElement>("[role=tab]")[tabs.indexOf(next)]?.focus();
  };
  return (
    <div className="plans__bar">
      <div className="plans__tabs" role="tablist" aria-label={t.whatIf.plans} ref={box} onKeyDown={move}>
        {tabs.map((letter) => (
          <button
            key={letter ?? "none"}
            type="button"
            role="tab"
            id={`${id}-tab-${letter ?? "none"}`}
            className="plans__tab"
            aria-selected={plans.open === letter}
            aria-controls={`${id}-panel`}
            tabIndex={plans.open === letter ? 0 : -1}
            onClick={() => plans.setOpen(letter)}
          >
            {letter ? (
              <>
                <span className="heard">{t.whatIf.plan} </span>
                <span className={`letter letter--${letter.toLowerCase()}`}>{letter}</span>
              </>
            ) : (
              t.whatIf.noChangeTab
            )}
          </button>
        ))}
      </div>
      {plans.made.length < LETTERS.length ? (
        <button type="button" className="plans__add" onClick={plans.add}>
          <Icon name="plus" />
          {t.whatIf.add}
        </button>
      ) : null}
    </div>
  );
}

/** What is set now: what every plan is compared with. */
function AsItIs({ controls }: { controls: readonly Shown[] }) {
  return (
    <dl className="facts">
      {controls
        .filter((one) => one.group !== "fluid")
        .map((one) => (
          <div key={one.name} className="facts__one">
            <dt>{one.label}</dt>
            <dd>{withUnit(one, written(one, one.now))}</dd>
          </div>
        ))}
    </dl>
  );
}

function Fields({ plan, plans }: { plan: Plan; plans: Plans }) {
  const set = (control: Shown, value: number, how: "moved" | "released" | "typed") =>
    plans.change(withValue(plan.change, control, value), how);
  return GROUPS.map((group) => {
    const own = plans.controls.filter((one) => one.group === group);
    if (!own.length) return null;
    return (
      <fieldset key={group} className="controls">
        <legend className="controls__title">{t.whatIf.groups[group]}</legend>
        {own.map((control) => (
          <ControlField
            key={`${plan.letter}${control.name}`}
            control={control}
            value={valueOf(control, plan.change)}
            onMove={(value) => set(control, value, "moved")}
            onRelease={(value, typed) => set(control, value, typed ? "typed" : "released")}
          />
        ))}
      </fieldset>
    );
  });
}

/** The plans as tabs, and what the open one sets. */
export function PlanPanel({ subject, plans, busy }: { subject: string; plans: Plans; busy: boolean }) {
  const { may } = useSession();
  const id = useId();
  const plan = plans.made.find((one) => one.letter === plans.open);
  const change = plan ? differing(plan.change, plans.controls) : {};
  const words = inWords(change, plans.controls);
  return (
    <section className="plans" aria-label={t.whatIf.plans}>
      <Tabs plans={plans} id={id} />
      <div
        id={`${id}-panel`}
        role="tabpanel"
        aria-labelledby={`${id}-tab-${plans.open ?? "none"}`}
        className="plans__panel"
      >
        {plan ? (
          <>
            <Fields plan={plan} plans={plans} />
            <p className="plans__words">{isEmpty({ ...plan, change }) ? t.whatIf.move : words}</p>
            <div className="plans__actions">
              <button
                type="button"
                className="button button--small"
                disabled={isEmpty(plan)}
                onClick={() => plans.change({}, "released")}
              >
                {t.whatIf.reset}
              </button>
              {plans.made.length > 1 ? (
                <button type="button" className="button button--small" onClick={() => plans.remove(plan.letter)}>
                  {t.whatIf.remove(plan.letter)}
                </button>
              ) : null}
            </div>
            {may.includes("recommendation:propose") ? (
              <Propose
                key={plan.letter}
                subject={subject}
                letter={plan.letter}
                change={change}
                words={words}
                disabled={busy || isEmpty({ ...plan, change })}
              />
            ) : null}
          </>
        ) : (
          <>
            <p className="plans__note">{t.whatIf.asItIs}</p>
            <AsItIs controls={plans.controls} />
          </>
        )}
      </div>
    </section>
  );
}
