export interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly name: string;
  /** A tooltip with details. */
  readonly title?: string | undefined;
}

/** A number with its label, in a list of figures. */
export function Figure({ label, value, name, title }: FigureProps) {
  return (
    <div className="sky-figure" title={title}>
      <dt>{label}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  );
}
