import { memo } from "react";
import { t } from "../texts";
import { FutureChart } from "./FutureChart";
import { Limits } from "./Limits";
import { chanceWritten, inDanger, rowsOf } from "./limits";
import type { Letter } from "./plans";
import { type Answered, readingsOf, summary } from "./readings";
import { useDrawn } from "./timing";
import type { Asking } from "./useFutures";

/** In one breath, for whoever listens: what the open plan does to the pressure, and which limits it endangers. */
function announcement(answered: Answered, open: Letter | null): string {
  const place = open ? answered.letters.indexOf(open) : -1;
  if (!open || place < 0) return t.whatIf.computed;
  const only = {
    futures: { ...answered.futures, plans: [answered.futures.plans[0]!, answered.futures.plans[place + 1]!] },
  };
  const first = readingsOf(answered.futures)[0];
  const danger = inDanger(rowsOf(answered.futures), place + 1).map((row) =>
    t.whatIf.danger(row.label, chanceWritten(row.chances[place + 1]!.chance), chanceWritten(row.chances[0]!.chance)),
  );
  return [t.whatIf.computed, first ? summary({ ...only, letters: [open] }, first.name) : "", ...danger].join(" ");
}

const Charts = memo(function Charts({ answered, open }: { answered: Answered; open: Letter | null }) {
  return (
    <div className="futures">
      {readingsOf(answered.futures).map((reading) => (
        <FutureChart key={reading.name} answered={answered} reading={reading} open={open} />
      ))}
    </div>
  );
});

function Legend({ answered, open }: { answered: Answered; open: Letter | null }) {
  const shaded = open && answered.letters.includes(open);
  return (
    <ul className="what-if__legend">
      <li className="course course--none">{t.whatIf.noChangeTab}</li>
      {answered.letters.map((letter) => (
        <li key={letter} className={`course course--${letter.toLowerCase()}`}>
          {t.whatIf.planOf(letter)}
        </li>
      ))}
      <li className="course course--band">{shaded ? t.whatIf.bandWith(open) : t.whatIf.band}</li>
      <li>{t.whatIf.differenceNote}</li>
    </ul>
  );
}

/** What the plans would bring. While the next answer is computed the old one stays, and says that it is old. */
export function Results({ asking, open }: { asking: Asking; open: Letter | null }) {
  const answered = asking.answered!;
  const drawn = useDrawn(answered, asking.released);
  return (
    <div
      className={`what-if__results${asking.busy ? " what-if__results--busy" : asking.error ? " what-if__results--old" : ""}`}
      aria-busy={asking.busy}
      data-drawn-ms={drawn.ms}
      data-drawn-count={drawn.count}
    >
      <p className="what-if__busy" aria-hidden="true">
        {t.whatIf.computing}
      </p>
      <p role="status" className="heard">
        {asking.busy ? t.whatIf.computing : announcement(answered, open)}
      </p>
      <Limits answered={answered} />
      <section className="what-if__charts" aria-label={t.whatIf.futures}>
        <h2 className="heard">{t.whatIf.futures}</h2>
        <Legend answered={answered} open={open} />
        <Charts answered={answered} open={open} />
      </section>
    </div>
  );
}
