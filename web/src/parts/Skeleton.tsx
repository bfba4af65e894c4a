/** The shape of what is being fetched, so that nothing jumps when it comes; says so to whoever listens. */
export function Skeleton({ label, page = false, blocks = 6 }: { label: string; page?: boolean; blocks?: number }) {
  return (
    <div className={page ? "skeleton skeleton--page" : "skeleton"}>
      <p role="status" className="heard">
        {label}
      </p>
      <div aria-hidden="true" className="skeleton__grid">
        {Array.from({ length: blocks }, (_, i) => (
          <span key={i} className="skeleton__block" />
        ))}
      </div>
    </div>
  );
}
