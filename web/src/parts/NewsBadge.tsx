import type { News2 } from "../api/contract";
import { absentParts, band, type Band, inOrderOfTheChart, partBand } from "../base/news2";
import { partName, t } from "../texts";

/** A shape for each band, so that no meaning hangs on a colour: square, circle, diamond, octagon (in a box of 40). */
const SHAPES: Record<Band, string> = {
  0: "M7 4h26a3 3 0 0 1 3 3v26a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3Z",
  1: "M20 2.5a17.5 17.5 0 1 1 0 35 17.5 17.5 0 0 1 0-35Z",
  2: "M20 1 39 20 20 39 1 20Z",
  3: "M12.5 2h15L38 12.5v15L27.5 38h-15L2 27.5v-15Z",
};

function Shape({ score, open }: { score: number; open?: boolean }) {
  const of = band(score);
  return (
    <svg className={`news-shape band-${of}${open ? " news-shape--open" : ""}`} viewBox="0 0 40 40" aria-hidden="true">
      <path d={SHAPES[of]} />
      <text x="20" y="20" dominantBaseline="central" textAnchor="middle">
        {score}
      </text>
    </svg>
  );
}

/** The whole score in words: what stands in the picture, for whoever listens. */
export function inWords(score: News2 | null): string {
  if (!score) return t.news2.absentLong;
  if (score.low === score.high) return t.news2.complete(String(score.low));
  return t.news2.range(score.low, score.high, absentParts(score).length, score.parts.length);
}

/**
 * The early-warning score. Where parts were not measured it is a range: the filled shape is what was measured, the open one
 * what it may be at the most.
 */
export function NewsBadge({ score }: { score: News2 | null }) {
  const words = inWords(score);
  return (
    <span className="news" title={words}>
      <span className="heard">{words}</span>
      {score ? (
        <>
          <Shape score={score.low} />
          {score.low === score.high ? null : (
            <>
              <span className="news__to" aria-hidden="true" />
              <Shape score={score.high} open />
            </>
          )}
        </>
      ) : (
        <span className="news__none hatched" aria-hidden="true">
          –
        </span>
      )}
    </span>
  );
}

/** The parts of the score in the order of the chart: digit, colour and underline; hatched where nothing was measured. */
export function NewsParts({ score, labels = true }: { score: News2; labels?: boolean }) {
  const parts = inOrderOfTheChart(score).map((part) => ({ ...part, name: partName(part.channel) }));
  const said = parts.map((part) =>
    part.score === null ? t.news2.partAbsent(part.name.long) : t.news2.partScore(part.name.long, part.score),
  );
  return (
    <span className="parts">
      <span className="heard">{said.join(", ")}</span>
      {parts.map((part, index) => (
        <span key={part.channel} className="parts__one" aria-hidden="true" title={said[index]}>
          {labels ? <span className="parts__name">{part.name.short}</span> : null}
          {part.score === null ? (
            <span className="parts__score hatched">–</span>
          ) : (
            <span className={`parts__score band-${partBand(part.score)}`}>{part.score}</span>
          )}
        </span>
      ))}
    </span>
  );
}
