/** Small line drawings, drawn here: no font and no file is fetched for them. They only accompany words. */

const PATHS = {
  up: "M8 13V3M3.5 7.5 8 3l4.5 4.5",
  down: "M8 3v10M3.5 8.5 8 13l4.5-4.5",
  clock: "M8 4.5V8l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z",
  alert: "M8 6v3.2M8 11.4v.2M8 2.2 14.4 13.4H1.6L8 2.2Z",
  advice: "M5.8 11.2h4.4M6.3 13.6h3.4M8 2.4a4.3 4.3 0 0 0-2.4 7.9v.9h4.8v-.9A4.3 4.3 0 0 0 8 2.4Z",
  bolt: "M9 1.8 3.6 9H8l-1 5.2L12.4 7H8l1-5.2Z",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  close: "M4 4l8 8M12 4l-8 8",
  person: "M8 8.2a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8ZM2.6 14c.5-2.8 2.6-4.2 5.4-4.2s4.9 1.4 5.4 4.2",
  key: "M7.5 8a2.9 2.9 0 1 1-5.8 0 2.9 2.9 0 0 1 5.8 0ZM7.5 8h6.8v2.6M11.2 8v2",
  plus: "M8 3v10M3 8h10",
  try: "M2.5 13c4-.5 4-5 11-5M2.5 13c5 0 5-9.5 11-9.5M2.5 13h11",
  check: "M3 8.5 6.5 12 13 4.5",
  table: "M2.5 3.5h11v9h-11v-9ZM2.5 6.5h11M6.5 6.5v6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
