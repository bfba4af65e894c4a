interface Options<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange(value: T): void;
  hideLabel?: boolean;
}

/** One of a few, all in sight: buttons that stand together. */
export function Choice<T extends string>({ label, value, options, onChange, hideLabel = false }: Options<T>) {
  return (
    <fieldset className="choice">
      <legend className={hideLabel ? "heard" : "choice__label"}>{label}</legend>
      <div className="choice__options">
        {options.map(([key, text]) => (
          <button
            key={key}
            type="button"
            className="choice__option"
            aria-pressed={key === value}
            onClick={() => onChange(key)}
          >
            {text}
          </button>
        ))}
      </div>
    </fieldset>
  );
}
