import { CompressOutlined, ZoomInOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { Button, Space, theme } from 'antd';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isRequired } from './exits';
import { type Box, HEAD, type Layout, layout, path, ROW, type ShownExits, shownExits, type Way, WIDTH } from './layout';
import { about, clip, LOOKS } from './looks';
import { type Flow, type Node, OPEN } from './model';
import { useExitName } from './useExitName';
import type { Walked } from './walked';

const [ZOOM_LEAST, ZOOM_READABLE, ZOOM_MOST, STEP] = [0.2, 0.75, 2, 1.2] as const;

interface Given {
  flow: Flow;
  faulty: Set<string>;
  chosen: string | undefined;
  choose: (name: string | undefined) => void;
  walk: Walked | undefined;
  /** Takes the chosen node out; not where nothing may be changed. */
  remove?: (name: string) => void;
  /** Leads a way out to another node. */
  connect?: (from: string, slot: string, to: string) => void;
}

/** The flow, drawn: moved by dragging, zoomed by the wheel or keys, its nodes reached by Tab and the arrows. */
export function Canvas(given: Given) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const shown = shownExits(given.flow, (name, slot) => {
    const node = given.flow.nodes[name];
    return node !== undefined && isRequired(node, slot);
  });
  const drawn = layout(given.flow, shown);
  const view = useView(drawn);
  const [drag, setDrag] = useState<Drag>();
  const over = (event: { clientX: number; clientY: number }) =>
    document.elementFromPoint(event.clientX, event.clientY)?.closest('[data-node]')?.getAttribute('data-node');
  return (
    <div className="flow-canvas" style={{ background: token.colorBgLayout, borderColor: token.colorBorderSecondary }}>
      {/* biome-ignore lint/a11y/useSemanticElements: SVG has no fieldset */}
      <svg
        ref={view.ref}
        role="group"
        aria-label={t('flow.graph')}
        onKeyDown={(event) => keys(event, given, drawn, view)}
        onPointerDown={view.grab}
        onPointerMove={(event) => {
          if (drag) setDrag({ ...drag, ...view.at(event) });
          else view.drag(event);
        }}
        onPointerUp={(event) => {
          const to = drag && over(event);
          if (drag && to) given.connect?.(drag.from, drag.slot, to);
          else if (!drag && view.release()) given.choose(undefined);
          setDrag(undefined);
        }}
      >
        <defs>
          <marker
            id="flow-arrow"
            viewBox="0 0 8 8"
            refX="8"
            refY="4"
            markerUnits="userSpaceOnUse"
            markerWidth="10"
            markerHeight="10"
            orient="auto"
          >
            <path d="M0 0 L8 4 L0 8 z" fill="context-stroke" />
          </marker>
        </defs>
        <g transform={`translate(${view.x} ${view.y}) scale(${view.zoom})`}>
          {drawn.ways.map((way) => (
            <Line key={`${way.from} ${way.slot}`} way={way} given={given} />
          ))}
          {Object.entries(given.flow.nodes).map(([name, node]) => {
            const box = drawn.boxes.get(name);
            if (!box) return null;
            const grip = given.connect ? (slot: string, at: Grip) => setDrag({ from: name, slot, ...at }) : undefined;
            return <Card key={name} {...{ name, node, box, given, shown, grip, view }} />;
          })}
          {drag && (
            <line
              {...{ x1: drag.x0, y1: drag.y0, x2: drag.x, y2: drag.y }}
              stroke={token.colorPrimary}
              strokeWidth={2}
              strokeDasharray="4 4"
              pointerEvents="none"
            />
          )}
        </g>
      </svg>
      <Space.Compact className="flow-zoom">
        <Button aria-label={t('flow.zoomOut')} icon={<ZoomOutOutlined />} onClick={() => view.scale(1 / STEP)} />
        <Button aria-label={t('flow.fit')} icon={<CompressOutlined />} onClick={() => view.fit(ZOOM_LEAST)} />
        <Button aria-label={t('flow.zoomIn')} icon={<ZoomInOutlined />} onClick={() => view.scale(STEP)} />
      </Space.Compact>
    </div>
  );
}

interface Grip {
  x0: number;
  y0: number;
  x: number;
  y: number;
}
type Drag = Grip & { from: string; slot: string };
type View = ReturnType<typeof useView>;

function Line({ way, given }: { way: Way; given: Given }) {
  const { token } = theme.useToken();
  const isWalked = given.walk?.ways.has(`${way.from} ${way.to}`);
  const isNear = given.chosen === way.from || given.chosen === way.to;
  const colour = isWalked ? token.colorSuccess : isNear ? token.colorPrimary : token.colorTextQuaternary;
  return (
    <path
      d={path(way)}
      fill="none"
      stroke={colour}
      strokeWidth={isWalked ? 3 : isNear ? 2 : 1.5}
      markerEnd="url(#flow-arrow)"
      opacity={given.walk && !isWalked ? 0.35 : 1}
    />
  );
}

function Card({
  name,
  node,
  box,
  given,
  shown,
  grip,
  view,
}: {
  name: string;
  node: Node;
  box: Box;
  given: Given;
  shown: ShownExits;
  grip: ((slot: string, at: Grip) => void) | undefined;
  view: View;
}) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const exitName = useExitName();
  const { colour, icon } = LOOKS[node.step];
  const [isChosen, isFaulty] = [given.chosen === name, given.faulty.has(name)];
  const isFaded = given.walk && !given.walk.nodes.has(name);
  const isWalked = given.walk?.nodes.has(name);
  const edge = isChosen
    ? token.colorPrimary
    : isFaulty
      ? token.colorError
      : isWalked
        ? token.colorSuccess
        : token.colorBorder;
  const kind = t(`flowStep.${node.step}`);
  const label = [name, kind, isFaulty ? t('flow.hasProblem') : '', name === given.flow.start ? t('flow.isStart') : ''];
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button
    <g
      data-node={name}
      role="button"
      tabIndex={0}
      aria-label={label.filter(Boolean).join(', ')}
      aria-pressed={isChosen}
      className="flow-node"
      transform={`translate(${box.x} ${box.y})`}
      opacity={isFaded ? 0.45 : 1}
      onClick={() => given.choose(name)}
      onPointerDown={(event) => event.stopPropagation()}
      onFocus={(event) => event.currentTarget.matches(':focus-visible') && view.show(box)}
    >
      <rect
        className="flow-box"
        width={WIDTH}
        height={box.height}
        rx={8}
        fill={token.colorBgContainer}
        stroke={edge}
        strokeWidth={isChosen || isFaulty || isWalked ? 2 : 1}
        strokeDasharray={box.reached ? undefined : '5 4'}
      />
      <rect x={8} y={9} width={34} height={34} rx={8} fill={colour} fillOpacity={0.14} />
      <foreignObject x={8} y={9} width={34} height={34} pointerEvents="none">
        <div className="flow-icon" style={{ color: colour }}>
          {icon}
        </div>
      </foreignObject>
      <text x={50} y={23} fontSize={13} fontWeight={600} fill={token.colorText}>
        {clip(name, name === given.flow.start ? 15 : 19)}
      </text>
      <text x={50} y={40} fontSize={11} fill={token.colorTextSecondary}>
        {clip([kind, about(node)].filter(Boolean).join(' · '), 25)}
      </text>
      {name === given.flow.start && <Badge text={t('flow.start')} colour={token.colorSuccess} />}
      {isFaulty && (
        <g transform={`translate(${WIDTH - 2} 2)`}>
          <circle r={9} fill={token.colorError} />
          <text y={4} fontSize={12} fontWeight={700} textAnchor="middle" fill={token.colorWhite}>
            !
          </text>
        </g>
      )}
      {shown(name).map(({ slot, to }, nth) => {
        const y = HEAD + ROW * (nth + 0.5);
        const isOpen = to === undefined || to === OPEN || !given.flow.nodes[to];
        return (
          <g key={slot}>
            <line x1={0} x2={WIDTH} y1={y - ROW / 2} y2={y - ROW / 2} stroke={token.colorSplit} />
            <text
              x={WIDTH - 14}
              y={y + 4}
              fontSize={11}
              textAnchor="end"
              fill={isOpen ? token.colorError : token.colorTextSecondary}
            >
              {clip(exitName(node, slot), 27)}
            </text>
            <circle
              cx={WIDTH}
              cy={y}
              r={5}
              className={grip ? 'flow-port' : undefined}
              fill={isOpen ? token.colorBgContainer : token.colorTextQuaternary}
              stroke={isOpen ? token.colorError : token.colorBgContainer}
              strokeWidth={1.5}
              onPointerDown={() => {
                const at = { x: box.x + WIDTH, y: box.y + y };
                grip?.(slot, { x0: at.x, y0: at.y, ...at });
              }}
            />
          </g>
        );
      })}
    </g>
  );
}

function Badge({ text, colour }: { text: string; colour: string }) {
  return (
    <text x={WIDTH - 12} y={23} fontSize={11} textAnchor="end" fill={colour}>
      {text}
    </text>
  );
}

/** What part is seen, and how large. */
function useView(drawn: Layout) {
  const ref = useRef<SVGSVGElement>(null);
  const [seen, setSeen] = useState({ x: 0, y: 0, zoom: 1 });
  /** Once somebody has moved it, it stays as it is. */
  const isMoved = useRef(false);
  const grabbed = useRef<{ x: number; y: number; moved: boolean }>(undefined);
  const size = () => ref.current?.getBoundingClientRect() ?? { width: 800, height: 500, left: 0, top: 0 };
  const fit = (least: number) => {
    isMoved.current = false;
    const { width, height } = size();
    const zoom = Math.min(1, Math.max(least, Math.min(width / drawn.width, height / drawn.height)));
    // What is larger than the window begins at its beginning.
    setSeen({ x: Math.max(0, (width - drawn.width * zoom) / 2), y: (height - drawn.height * zoom) / 2, zoom });
  };
  const scale = (by: number, at?: { x: number; y: number }) => {
    const { width, height } = size();
    const middle = at ?? { x: width / 2, y: height / 2 };
    isMoved.current = true;
    setSeen((before) => {
      const zoom = Math.min(ZOOM_MOST, Math.max(ZOOM_LEAST, before.zoom * by));
      const grown = zoom / before.zoom;
      return { x: middle.x - (middle.x - before.x) * grown, y: middle.y - (middle.y - before.y) * grown, zoom };
    });
  };
  const first = useRef({ fit, scale });
  first.current = { fit, scale };
  useEffect(() => {
    const svg = ref.current;
    const sized = new ResizeObserver(() => {
      if (!isMoved.current) first.current.fit(ZOOM_READABLE);
    });
    if (svg) sized.observe(svg);
    // React listens to wheels passively, and could not keep the page from scrolling.
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = svg?.getBoundingClientRect() ?? { left: 0, top: 0 };
      first.current.scale(event.deltaY < 0 ? STEP : 1 / STEP, { x: event.clientX - left, y: event.clientY - top });
    };
    svg?.addEventListener('wheel', wheel, { passive: false });
    return () => {
      sized.disconnect();
      svg?.removeEventListener('wheel', wheel);
    };
  }, []);
  return {
    ref,
    ...seen,
    fit,
    scale,
    at: (event: { clientX: number; clientY: number }) => {
      const { left, top } = size();
      return { x: (event.clientX - left - seen.x) / seen.zoom, y: (event.clientY - top - seen.y) / seen.zoom };
    },
    grab: (event: { clientX: number; clientY: number }) => {
      grabbed.current = { x: event.clientX, y: event.clientY, moved: false };
    },
    drag: (event: { clientX: number; clientY: number; buttons: number }) => {
      const from = grabbed.current;
      if (!from || event.buttons === 0) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!from.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
      grabbed.current = { x: event.clientX, y: event.clientY, moved: true };
      isMoved.current = true;
      setSeen((before) => ({ ...before, x: before.x + dx, y: before.y + dy }));
    },
    /** Whether it was a click on nothing. */
    release: () => {
      const was = grabbed.current;
      grabbed.current = undefined;
      return was !== undefined && !was.moved;
    },
    /** Moves a box into sight. */
    show: (box: Box) => {
      const { width, height } = size();
      const [left, top] = [box.x * seen.zoom + seen.x, box.y * seen.zoom + seen.y];
      const [wide, tall] = [WIDTH * seen.zoom, box.height * seen.zoom];
      const inside = left >= 0 && top >= 0 && left + wide <= width && top + tall <= height;
      if (!inside)
        setSeen((before) => ({
          ...before,
          x: before.x + (width - wide) / 2 - left,
          y: before.y + (height - tall) / 2 - top,
        }));
    },
  };
}

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

function keys(event: KeyboardEvent<SVGSVGElement>, given: Given, drawn: Layout, view: View): void {
  const name = (event.target as Element).getAttribute('data-node');
  const arrow = ARROWS[event.key];
  if (event.key === '+' || event.key === '=') view.scale(STEP);
  else if (event.key === '-') view.scale(1 / STEP);
  else if (event.key === '0') view.fit(ZOOM_LEAST);
  else if (!name) return;
  else if (event.key === 'Enter' || event.key === ' ') given.choose(name);
  else if (event.key === 'Delete') given.remove?.(name);
  else if (arrow) focusBeside(event.currentTarget, drawn, name, arrow);
  else return;
  event.preventDefault();
}

/** The nearest node in a direction. */
function focusBeside(svg: SVGSVGElement, { boxes }: Layout, name: string, [dx, dy]: readonly [number, number]): void {
  const from = boxes.get(name);
  if (!from) return;
  const near = [...boxes]
    .map(([other, box]) => ({
      other,
      along: (box.x - from.x) * dx + (box.y - from.y) * dy,
      aside: Math.abs((box.x - from.x) * dy) + Math.abs((box.y - from.y) * dx),
    }))
    .filter(({ along, other }) => along > 0 && other !== name)
    .sort((left, right) => left.along + left.aside * 2 - (right.along + right.aside * 2))[0];
  const found = near && svg.querySelector<SVGGElement>(`[data-node="${near.other}"]`);
  found?.focus();
}
