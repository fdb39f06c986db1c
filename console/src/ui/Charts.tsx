import { theme } from 'antd';

export interface Line {
  name: string;
  colour: string;
  values: number[];
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 240, 36, 24, 12] as const;

/** Round steps of the left axis: 1, 2 or 5 of a power of ten. */
export function ceiling(most: number): number {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5, 10].find((step) => step * power >= most) ?? 10) * power;
}

/** Lines over the hours of a day. */
export function HourLines({ lines, hours }: { lines: Line[]; hours: number }) {
  const { token } = theme.useToken();
  const top = ceiling(Math.max(1, ...lines.flatMap(({ values }) => values)));
  const x = (hour: number) => LEFT + (hour / Math.max(1, hours - 1)) * (WIDTH - LEFT - 12);
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  return (
    <>
      <Legend entries={lines.map(({ name, colour }) => ({ name, colour }))} />
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width="100%"
        role="img"
        aria-label={lines.map(({ name }) => name).join(', ')}
      >
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <g key={part}>
            <line x1={LEFT} x2={WIDTH - 12} y1={y(part * top)} y2={y(part * top)} stroke={token.colorBorderSecondary} />
            <text x={LEFT - 6} y={y(part * top) + 4} fontSize={11} textAnchor="end" fill={token.colorTextSecondary}>
              {part * top}
            </text>
          </g>
        ))}
        {Array.from({ length: hours }, (_, hour) => hour)
          .filter((hour) => hour % 2 === 0)
          .map((hour) => (
            <text
              key={hour}
              x={x(hour)}
              y={HEIGHT - 6}
              fontSize={11}
              textAnchor="middle"
              fill={token.colorTextSecondary}
            >
              {`${hour}:00`}
            </text>
          ))}
        {lines.map(({ name, colour, values }) => (
          <g key={name}>
            <polyline
              points={values.map((value, hour) => `${x(hour)},${y(value)}`).join(' ')}
              fill="none"
              stroke={colour}
              strokeWidth={2}
              strokeLinejoin="round"
            />
            {values.map((value, hour) =>
              value > 0 ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: the place is the hour
                <circle key={hour} cx={x(hour)} cy={y(value)} r={3} fill={colour}>
                  <title>{`${hour}:00 ${name} ${value}`}</title>
                </circle>
              ) : null,
            )}
          </g>
        ))}
      </svg>
    </>
  );
}

export interface Slice {
  name: string;
  colour: string;
  value: number;
}

const [RADIUS, RING] = [70, 26] as const;

/** Parts of a whole, the whole in the middle. */
export function Ring({ slices }: { slices: Slice[] }) {
  const { token } = theme.useToken();
  const total = slices.reduce((sum, { value }) => sum + value, 0);
  const round = 2 * Math.PI * RADIUS;
  let before = 0;
  return (
    <div style={{ display: 'flex', gap: 20, alignItems: 'center' }}>
      <svg
        viewBox="-100 -100 200 200"
        width={170}
        role="img"
        aria-label={slices.map(({ name, value }) => `${name} ${value}`).join(', ')}
      >
        <circle r={RADIUS} fill="none" stroke={token.colorFillSecondary} strokeWidth={RING} />
        {slices
          .filter(({ value }) => value > 0)
          .map(({ name, colour, value }) => {
            const [from, length] = [before, (value / total) * round];
            before += length;
            return (
              <circle
                key={name}
                r={RADIUS}
                fill="none"
                stroke={colour}
                strokeWidth={RING}
                strokeDasharray={`${Math.max(0, length - 2)} ${round}`}
                strokeDashoffset={-from}
                transform="rotate(-90)"
              >
                <title>{`${name} ${value}`}</title>
              </circle>
            );
          })}
        <text textAnchor="middle" dy={12} fontSize={36} fill={token.colorText}>
          {total}
        </text>
      </svg>
      <div>
        {slices.map(({ name, colour, value }) => (
          <div key={name} style={{ opacity: value === 0 ? 0.8 : 1, whiteSpace: 'nowrap' }}>
            <span style={{ color: colour }}>{'\u25A0 '}</span>
            {`${name} ${value}`}
          </div>
        ))}
      </div>
    </div>
  );
}

function Legend({ entries }: { entries: { name: string; colour: string }[] }) {
  return (
    <div style={{ display: 'flex', gap: 16, justifyContent: 'flex-end' }}>
      {entries.map(({ name, colour }) => (
        <span key={name}>
          <span style={{ color: colour }}>{'\u25CF '}</span>
          {name}
        </span>
      ))}
    </div>
  );
}
