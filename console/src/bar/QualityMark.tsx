import { useQuery } from '@tanstack/react-query';
import { Tooltip, theme } from 'antd';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { rate } from '../format';
import { type Grade, grade, lately, lostPart, type Quality } from '../phone/quality';
import { quality } from '../phone/softphone';

/** How often the call's quality is asked, ms. */
const LOOK_MS = 2_000;
const BARS: Record<Grade, number> = { good: 3, fair: 2, poor: 1 };

/** How well one hears, in three bars; the figures when one points at it. */
export function QualityMark() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const before = useRef<Quality>(undefined);
  const { data: heard } = useQuery({
    queryKey: ['quality-mark'],
    queryFn: async () => {
      const now = await quality();
      const since = now && lately(before.current, now);
      before.current = now;
      return since ?? null;
    },
    refetchInterval: LOOK_MS,
    gcTime: 0,
    staleTime: 0,
  });
  if (!heard) return null;
  const mark = grade(heard);
  const colour = { good: token.colorSuccess, fair: token.colorWarning, poor: token.colorError }[mark];
  const figures = t('devices.callQuality', {
    trip: heard.roundTripMs === undefined ? '' : Math.round(heard.roundTripMs),
    jitter: Math.round(heard.jitterMs),
    lost: rate(lostPart(heard), 1),
  });
  return (
    <Tooltip title={`${t(`quality.${mark}`)} ${figures}`}>
      <svg
        role="img"
        aria-label={t(`quality.${mark}`)}
        data-testid="quality"
        width={14}
        height={12}
        style={{ marginInlineStart: 6 }}
      >
        {[1, 2, 3].map((bar) => (
          <rect
            key={bar}
            x={(bar - 1) * 5}
            y={12 - bar * 4}
            width={3}
            height={bar * 4}
            fill={bar <= BARS[mark] ? colour : token.colorBorder}
          />
        ))}
      </svg>
    </Tooltip>
  );
}
