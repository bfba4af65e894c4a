import "uplot/dist/uPlot.min.css";
import "../styles/person.scss";
import "../styles/what_if.scss";
import { useEffect, useRef, useState } from "react";
import { Refused } from "../api/client";
import { go } from "../app/router";
import { useWard } from "../app/ward";
import { when } from "../base/time";
import { textWritten } from "../base/units";
import { nameOf, placeOf } from "../board/facts";
import { BreakGlass, mayBeOpened } from "../parts/BreakGlass";
import { ErrorLine } from "../parts/ErrorLine";
import { Icon } from "../parts/Icon";
import { Failure, Message } from "../parts/Message";
import { PageTitle } from "../parts/PageTitle";
import { Skeleton } from "../parts/Skeleton";
import { useNews } from "../person/usePerson";
import { t } from "../texts";
import { PlanPanel } from "./PlanPanel";
import { Results } from "./Results";
import { type Asking, useFutures } from "./useFutures";
import { usePlans } from "./usePlans";

/** What speaks against believing what stands below: said first, and plainly. */
function Reservations({ asking }: { asking: Asking }) {
  const { futures, letters } = asking.answered!;
  const refused = letters.flatMap((letter, i) =>
    (futures.plans[i + 1]?.refused ?? []).map((why) => t.whatIf.refused(letter, textWritten(why))),
  );
  const said = [...futures.doubts.map((why) => t.whatIf.doubt(textWritten(why))), ...refused];
  return (
    <div role="status" className="reservations">
      {said.map((one) => (
        <p key={one} className="banner banner--trouble">
          <Icon name="alert" />
          {one}
        </p>
      ))}
    </div>
  );
}

function Outdated({ subject, asking }: { subject: string; asking: Asking }) {
  const news = useNews(subject);
  const [seen, setSeen] = useState(news);
  const latest = useRef(news);
  latest.current = news;
  useEffect(() => setSeen(latest.current), [asking.answered]);
  if (news === seen) return null;
  return (
    <p className="what-if__outdated" role="status">
      {t.whatIf.outdated}
      <button type="button" className="button button--small" onClick={asking.retry}>
        {t.whatIf.again}
      </button>
    </p>
  );
}

function Heading({ subject, asking }: { subject: string; asking: Asking }) {
  const row = useWard()?.rows.get(subject);
  const now = asking.answered?.futures.now;
  return (
    <header className="what-if__head">
      <a
        href="/person"
        className="identity__back"
        onClick={(event) => {
          event.preventDefault();
          go("/person", subject);
        }}
      >
        <Icon name="left" />
        {t.pages.person}
      </a>
      <PageTitle title={t.pages.whatIf} />
      {row ? (
        <p className="what-if__who">
          <strong>{nameOf(row)}</strong>{" "}
          <span className="quiet">{[placeOf(row), row.unit].filter(Boolean).join(" · ")}</span>
        </p>
      ) : null}
      <p className="what-if__lead quiet">{now ? t.whatIf.lead(when(now, now)) : null}</p>
      {asking.answered ? <Outdated subject={subject} asking={asking} /> : null}
    </header>
  );
}

/** Why there is nothing to try, and what helps. */
function Nothing({ subject, asking }: { subject: string; asking: Asking }) {
  const { error, retry } = asking;
  if (mayBeOpened(error)) return <BreakGlass subject={subject} error={error} opened={retry} />;
  if (!(error instanceof Refused) || ![404, 409, 422].includes(error.status))
    return <Failure error={error} retry={retry} />;
  const { detail } = error.problem;
  return (
    <Message
      title={error.status === 404 ? t.person.gone : t.whatIf.noTwin}
      text={error.status === 404 ? t.person.noneFix : t.whatIf.noTwinFix}
      detail={[error.message, detail].filter(Boolean).join(" · ")}
    >
      <button type="button" className="button" onClick={retry}>
        {t.retry}
      </button>{" "}
      <button type="button" className="button" onClick={() => go("/person", subject)}>
        {t.whatIf.toPerson}
      </button>
    </Message>
  );
}

function Opened({ subject }: { subject: string }) {
  const asking = useFutures(subject);
  const made = usePlans(asking);
  const { answered, error, busy } = asking;
  return (
    <div className="what-if">
      <Heading subject={subject} asking={asking} />
      {!answered && error && !busy ? <Nothing subject={subject} asking={asking} /> : null}
      {!answered && (!error || busy) ? <Skeleton label={t.whatIf.first} /> : null}
      {answered && made.controls.length === 0 ? <Message title={t.whatIf.nothing} text={t.whatIf.nothingFix} /> : null}
      {answered && made.controls.length ? (
        <>
          <Reservations asking={asking} />
          <div className="what-if__body">
            <PlanPanel subject={subject} plans={made} busy={busy} />
            <div className="what-if__results-box">
              {error && !busy ? (
                <div className="what-if__error">
                  <ErrorLine error={error} />
                  <button type="button" className="button button--small" onClick={asking.retry}>
                    {t.retry}
                  </button>
                </div>
              ) : null}
              <Results asking={asking} open={made.open} />
            </div>
          </div>
        </>
      ) : null}
    </div>
  );
}

/** Other settings tried on a person's twin: both futures, their difference, and the chance of each limit. */
export default function WhatIfPage({ subject }: { subject: string | null }) {
  if (subject !== null) return <Opened subject={subject} />;
  return (
    <>
      <PageTitle title={t.pages.whatIf} hidden />
      <Message title={t.person.none} text={t.person.noneFix}>
        <button type="button" className="button" onClick={() => go("/")}>
          {t.errors.toBoard}
        </button>
      </Message>
    </>
  );
}
