import type { Vital } from "../api/contract";
import { useNow } from "../app/ward";
import { MINUTE } from "../base/time";
import { number, unitOf } from "../base/units";
import { Age } from "../parts/Age";
import { Icon } from "../parts/Icon";
import { longName, shortName, t } from "../texts";
import { drawn } from "./sparkline";

const WIDTH = 100;
const HEIGHT = 26;

function Sparkline({ vital }: { vital: Vital }) {
  const now = useNow(MINUTE);
  const chart = drawn(vital, now, WIDTH, HEIGHT);
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <title>{t.board.trendOf(longName(vital.channel))}</title>
      <path className="spark__now" d={`M${chart.now} 0V${HEIGHT}`} />
      {chart.fan ? <path className="spark__fan" d={chart.fan} /> : null}
      {chart.median ? <path className="spark__median" d={chart.median} /> : null}
      <path className="spark__line" d={chart.line} />
    </svg>
  );
}

function inAnHour(vital: Vital): string | null {
  if (!vital.ahead) return null;
  const of = (value: number) => number(vital.channel, value);
  return t.board.inAnHour(of(vital.ahead.median), of(vital.ahead.low), of(vital.ahead.high));
}

interface Cell {
  channel: string;
  vital: Vital | undefined;
  unexpected: boolean;
  /** Whether the name of the channel stands in the cell: not under a column that has it. */
  named?: boolean;
}

/** One vital sign: its value, its last hours and its next one. What is old says how old; what is absent says so. */
export function VitalCell({ channel, vital, unexpected, named = true }: Cell) {
  const name = shortName(channel);
  if (!vital) {
    return (
      <span className="vital vital--absent hatched">
        {named ? <span className="vital__name">{name}</span> : null}
        <span className="vital__value" aria-hidden="true">
          –
        </span>
        <span className="vital__ahead">{t.absent}</span>
      </span>
    );
  }
  const ahead = inAnHour(vital);
  return (
    <span className={`vital${vital.stale ? " vital--stale" : ""}`} title={ahead ?? undefined}>
      {named ? (
        <abbr className="vital__name" title={longName(channel)}>
          {name}
        </abbr>
      ) : null}
      <span className="vital__value">
        {number(channel, vital.value)}
        <span className="vital__unit"> {unitOf(channel, vital.unit)}</span>
        {unexpected ? (
          <span className="vital__odd" title={t.board.unexpected(longName(channel))}>
            <Icon name="bolt" />
            <span className="heard">{t.board.unexpected(longName(channel))}</span>
          </span>
        ) : null}
      </span>
      <Sparkline vital={vital} />
      {vital.stale ? (
        <span className="vital__ahead vital__age hatched">
          <Icon name="clock" />
          <Age at={vital.at} {...(named ? { say: t.board.stale } : {})} />
        </span>
      ) : (
        <span className="vital__ahead">{ahead ? ahead.replace(/^in 1 h /, "") : ""}</span>
      )}
    </span>
  );
}
