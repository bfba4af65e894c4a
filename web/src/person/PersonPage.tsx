import "uplot/dist/uPlot.min.css";
import "../styles/person.scss";
import { useCallback, useMemo, useState } from "react";
import { Refused } from "../api/client";
import type { Forecasts, Person, PersonEvent, Row, Series } from "../api/contract";
import { go } from "../app/router";
import { useNow, useWard } from "../app/ward";
import { dayAndClock, MINUTE } from "../base/time";
import { BreakGlass, mayBeOpened } from "../parts/BreakGlass";
import { Choice } from "../parts/Choice";
import { Icon } from "../parts/Icon";
import { Failure, Message } from "../parts/Message";
import { PageTitle } from "../parts/PageTitle";
import { Skeleton } from "../parts/Skeleton";
import { t } from "../texts";
import { Chart } from "./Chart";
import { type GroupPlan, isEmpty, plan } from "./charts";
import { EventLane } from "./EventLane";
import { type Chosen, Origin } from "./Origin";
import { PersonHeader } from "./PersonHeader";
import { useForecasts, useNews, usePerson, useSeries } from "./usePerson";
import { moved, RANGES, type Range, type Shown, type Window, windowOf } from "./window";

function Times({ shown, window, change }: { shown: Shown; window: Window; change(shown: Shown): void }) {
  const now = useNow(MINUTE);
  return (
    <div className="times">
      <Choice<Range>
        label={t.person.range}
        hideLabel
        value={shown.range}
        options={RANGES.map((range) => [range, t.person.ranges[range]])}
        onChange={(range) => change({ ...shown, range })}
      />
      <div className="times__move">
        <button type="button" className="button" onClick={() => change(moved(shown, now, -1))}>
          <Icon name="left" />
          {t.person.earlier}
        </button>
        <button
          type="button"
          className="button"
          disabled={shown.until === null}
          onClick={() => change(moved(shown, now, 1))}
        >
          {t.person.later}
          <Icon name="right" />
        </button>
        <button
          type="button"
          className="button"
          disabled={shown.until === null}
          onClick={() => change({ ...shown, until: null })}
        >
          {t.person.now}
        </button>
      </div>
      <p className="times__window">{t.person.windowOf(dayAndClock(window.start), dayAndClock(window.stop))}</p>
      <ul className="times__legend">
        <li className="key key--measured-1">{t.person.legend.measured}</li>
        <li className="key key--odd">{t.person.legend.suspect}</li>
        <li className="key key--refused">{t.person.legend.refused}</li>
        <li className="key key--estimate">{t.person.legend.estimate}</li>
        <li className="key key--fan">{t.person.legend.fan}</li>
      </ul>
    </div>
  );
}

interface ChartsProps {
  group: GroupPlan;
  series: readonly Series[];
  forecasts: Forecasts | null;
  window: Window;
  chosen: Chosen;
  choose(seq: number): void;
}

/** Charts of one group, above each other on one axis of time. */
function Charts({ group, series, forecasts, window, chosen, choose }: ChartsProps) {
  const now = useNow(MINUTE);
  const parts = useMemo(
    () =>
      group.charts.map((chart) => {
        const names = chart.channels.map((channel) => channel.channel);
        const own = <T extends { channel: string }>(all: readonly T[]) =>
          all.filter((one) => names.includes(one.channel));
        const inOrder = own(series).sort((a, b) => names.indexOf(a.channel) - names.indexOf(b.channel));
        return {
          chart,
          series: inOrder,
          estimates: own(forecasts?.before ?? []),
          forecasts: own(forecasts?.fans ?? []),
        };
      }),
    [group, series, forecasts],
  );
  // Under the last chart that has something to show stand the times of all of them.
  const lowest = parts.findLastIndex(({ chart, ...part }) => !isEmpty({ plan: chart, window, ...part }));
  return (
    <section className={`group group--${group.group}`}>
      <h2 className="group__title">{group.title}</h2>
      {parts.map((part, i) => (
        <Chart
          key={part.chart.key}
          plan={part.chart}
          series={part.series}
          estimates={part.estimates}
          forecasts={part.forecasts}
          window={window}
          now={now}
          axis={i === lowest}
          chosen={chosen && !chosen.event ? chosen.seq : null}
          onChoose={choose}
        />
      ))}
    </section>
  );
}

const NO_SERIES: Series[] = [];

/** The row of somebody of whom the ward knows nothing now: who left long ago, or never had a value. */
const unknownRow = (subject: string): Row => ({
  subject,
  number: null,
  unit: null,
  place: null,
  age: null,
  sex: null,
  since: null,
  left: null,
  heard: null,
  news2: null,
  vitals: [],
  settings: { mode: null, fio2: null, norepinephrine: null },
  twin: { state: "none", at: null, trouble: "" },
  doubt: null,
  surprises: [],
  recommendations: 0,
});

/** Vital signs and what is given stand below the events, so that cause and effect share one axis. */
const onTheLeft = (plan: GroupPlan) => plan.group === "vital" || plan.group === "drug";

function Known({ subject, person, news }: { subject: string; person: Person; news: number }) {
  const row = useWard()?.rows.get(subject) ?? person.row ?? unknownRow(subject);
  const now = useNow(MINUTE);
  const [shown, setShown] = useState<Shown>({ range: "24h", until: null });
  const [chosen, setChosen] = useState<Chosen>(null);
  const window = useMemo(() => windowOf(shown, now), [shown, now]);
  const groups = useMemo(() => plan(person.channels), [person.channels]);
  const series = useSeries(subject, person.channels, window, news);
  const forecasts = useForecasts(subject, news);
  const choose = useCallback((seq: number) => setChosen({ seq }), []);
  const chooseEvent = useCallback((event: PersonEvent) => setChosen({ seq: event.seq, event }), []);
  const close = useCallback(() => setChosen(null), []);
  const values = series.data ?? NO_SERIES;
  const column = (wanted: (group: GroupPlan) => boolean) =>
    groups
      .filter(wanted)
      .map((group) => (
        <Charts
          key={group.group}
          group={group}
          series={values}
          forecasts={forecasts.data}
          window={window}
          chosen={chosen}
          choose={choose}
        />
      ));
  return (
    <div className="person">
      <PersonHeader row={row} person={person.person} />
      {groups.length === 0 && person.events.length === 0 ? (
        <Message title={t.person.nothing} text={t.person.nothingFix} />
      ) : (
        <>
          <Times shown={shown} window={window} change={setShown} />
          {series.error && !series.data ? <Failure error={series.error} retry={series.retry} /> : null}
          {series.error && series.data ? <NotRefreshed what={t.person.notRefreshed} retry={series.retry} /> : null}
          {forecasts.error ? <NotRefreshed what={t.person.noForecasts} retry={forecasts.retry} /> : null}
          <div className="person__body">
            <div className="person__charts">
              <div className="person__column">
                <EventLane
                  events={person.events}
                  window={window}
                  now={now}
                  chosen={chosen?.event ? chosen.seq : null}
                  onChoose={chooseEvent}
                />
                {series.data ? column(onTheLeft) : <Skeleton label={t.loading} blocks={2} />}
              </div>
              <div className="person__column">{series.data ? column((group) => !onTheLeft(group)) : null}</div>
            </div>
            <Origin subject={subject} chosen={chosen} close={close} />
          </div>
        </>
      )}
    </div>
  );
}

function NobodyOpen({ title }: { title: string }) {
  return (
    <Message title={title} text={t.person.noneFix}>
      <button type="button" className="button" onClick={() => go("/")}>
        {t.errors.toBoard}
      </button>
    </Message>
  );
}

/** What was asked again and did not come: what is shown may be old, and says so. */
function NotRefreshed({ what, retry }: { what: string; retry(): void }) {
  return (
    <p className="banner banner--trouble" role="status">
      <Icon name="alert" />
      {what}
      <button type="button" className="button button--small" onClick={retry}>
        {t.retry}
      </button>
    </p>
  );
}

function Opened({ subject }: { subject: string }) {
  const news = useNews(subject);
  const { data, error, retry } = usePerson(subject, news);
  if (data) return <Known subject={subject} person={data} news={news} />;
  if (error) {
    const gone = error instanceof Refused && error.status === 404;
    return (
      <>
        <PageTitle title={t.pages.person} hidden />
        {gone ? (
          <NobodyOpen title={t.person.gone} />
        ) : mayBeOpened(error) ? (
          <BreakGlass subject={subject} error={error} opened={retry} />
        ) : (
          <Failure error={error} retry={retry} />
        )}
      </>
    );
  }
  return <Skeleton label={t.loading} />;
}

/** One person: everything received, what the twin takes it for, what it foretells, and where each value came from. */
export default function PersonPage({ subject }: { subject: string | null }) {
  if (subject !== null) return <Opened subject={subject} />;
  return (
    <>
      <PageTitle title={t.pages.person} hidden />
      <NobodyOpen title={t.person.none} />
    </>
  );
}
