import { useId, useState } from "react";
import type { Recommendation } from "../api/contract";
import { go } from "../app/router";
import { useWard } from "../app/ward";
import { longSpan, MINUTE, when } from "../base/time";
import { textWritten } from "../base/units";
import { nameOf, placeOf } from "../board/facts";
import { Icon } from "../parts/Icon";
import { t } from "../texts";
import { Decision } from "./Decision";
import { ForetoldTable, LimitsTable } from "./Evidence";
import { cameOf } from "./queue";

const roleOf = (role: string) => (t.role.roles[role] ?? role).toLowerCase();

function Who({ one }: { one: Recommendation }) {
  const row = useWard()?.rows.get(one.subject);
  return (
    <a
      href="/person"
      className="proposed__who"
      onClick={(event) => {
        event.preventDefault();
        go("/person", one.subject);
      }}
    >
      {row ? (
        <>
          <span className="proposed__place">{placeOf(row)}</span> {nameOf(row)}
        </>
      ) : (
        one.subject.slice(0, 9)
      )}
    </a>
  );
}

/** What was decided, and whether it was then done. */
function Afterwards({ one, now }: { one: Recommendation; now: number }) {
  const { review } = one;
  const came = cameOf(one);
  const done = Object.entries(one.done).filter(([, value]) => value !== null);
  return (
    <dl className="facts proposed__after">
      {review ? (
        <div className="facts__one">
          <dt>{t.review.states[review.verdict]}</dt>
          <dd>
            {t.review.by(review.by, roleOf(review.role))}, {when(review.at, now)}
            {review.words ? <p>{t.review.changedTo(review.words)}</p> : null}
            {review.reason ? <p>{t.review.because(review.reason)}</p> : null}
          </dd>
        </div>
      ) : null}
      {done.map(([name, value]) => (
        <div key={name} className="facts__one">
          <dt>{t.whatIf.controls[name] ?? name}</dt>
          <dd>{value ? t.review.done : t.review.notDone}</dd>
        </div>
      ))}
      {came.known ? (
        <div className="facts__one">
          <dt>{t.review.came}</dt>
          <dd>{t.review.cameOf(came.inside, came.known)}</dd>
        </div>
      ) : null}
    </dl>
  );
}

interface Props {
  one: Recommendation;
  now: number;
  decided(one: Recommendation): void;
}

/** One recommendation: who, what, why, what was foretold, what speaks against it, and what was decided. */
export function Proposed({ one, now, decided }: Props) {
  const waits = one.state === "waiting";
  const [open, setOpen] = useState(waits);
  const id = useId();
  return (
    <li className={`proposed proposed--${one.state}`} data-seq={one.seq}>
      <article aria-labelledby={id}>
        <header className="proposed__head">
          <Who one={one} />
          <span className={`state state--${one.state}`}>{t.review.states[one.state]}</span>
          <span className="quiet proposed__when">
            {t.review.by(one.by, roleOf(one.role))}, {when(one.at, now)}
            {waits ? ` · ${now - one.at < MINUTE ? t.review.justNow : t.review.ago(longSpan(now - one.at))}` : ""}
          </span>
        </header>
        <h3 id={id} className="proposed__words">
          {textWritten(one.words)}
        </h3>
        <p className={`proposed__reason${one.reason ? "" : " quiet"}`}>
          {one.reason ? t.review.because(one.reason) : t.review.noReason}
        </p>
        {one.doubts.length ? (
          <ul className="proposed__doubts">
            {one.doubts.map((doubt) => (
              <li key={doubt}>
                <Icon name="alert" />
                {t.review.doubt(textWritten(doubt))}
              </li>
            ))}
          </ul>
        ) : null}
        {waits ? null : <Afterwards one={one} now={now} />}
        {waits ? <Decision one={one} decided={decided} /> : null}
        <button type="button" className="proposed__more" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name={open ? "up" : "down"} />
          {open ? t.review.less : t.review.more}
        </button>
        {open ? (
          <>
            <div className="proposed__evidence">
              <ForetoldTable one={one} />
              <LimitsTable one={one} />
            </div>
            <p className="quiet proposed__model">{t.review.model(one.model || t.unknown)}</p>
          </>
        ) : null}
      </article>
    </li>
  );
}
