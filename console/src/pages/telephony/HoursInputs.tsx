import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, DatePicker, Select, Space, theme } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { WEEK_DAYS, type WeekDay } from '../../flow/model';
import { openParts, span, spillParts } from '../../ui/telephony/spans';

export type Week = Partial<Record<WeekDay, string[]>>;
export interface MakeUp {
  date: string;
  like?: WeekDay;
  times?: string[];
}
const WORKDAYS: readonly WeekDay[] = ['tue', 'wed', 'thu', 'fri'];

/** What of a day is open, with what the day before brings over midnight. */
export function partsOf(week: Week, row: number) {
  const [day, before] = [WEEK_DAYS[row], WEEK_DAYS[(row + 6) % 7]];
  return [...spillParts(before ? (week[before] ?? []) : []), ...openParts(day ? (week[day] ?? []) : [])];
}

function Spans({ label, value, change }: { label: string; value: string[]; change: (value: string[]) => void }) {
  return (
    <Select
      mode="tags"
      open={false}
      suffixIcon={null}
      aria-label={label}
      value={value}
      placeholder="09:00-12:00"
      tokenSeparators={[',', ' ', '，']}
      status={value.every((one) => span(one)) ? undefined : 'error'}
      onChange={change}
      style={{ flex: 1, minWidth: 220 }}
    />
  );
}

/** The week as a grid: each day its times, and a bar of what they come to. */
export function WeekInput({ value = {}, onChange }: { value?: Week; onChange?: (week: Week) => void }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const set = (day: WeekDay, spans: string[]) => {
    const { [day]: _, ...others } = value;
    onChange?.(spans.length > 0 ? { ...others, [day]: spans } : others);
  };
  const likeMonday = () => {
    const monday = value.mon ?? [];
    onChange?.({ ...value, ...Object.fromEntries(WORKDAYS.map((day) => [day, monday])) });
  };
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size={6}>
      {WEEK_DAYS.map((day, row) => (
        <div key={day} className="week-row">
          <span>{t(`weekday.${day}`)}</span>
          <Spans label={t(`weekday.${day}`)} value={value[day] ?? []} change={(spans) => set(day, spans)} />
          <svg viewBox="0 0 240 14" width={240} aria-hidden="true">
            <rect width={240} height={14} rx={3} fill={token.colorFillSecondary} />
            {partsOf(value, row).map(({ from, to }) => (
              <rect
                key={`${from} ${to}`}
                x={(from / 1440) * 240}
                width={((to - from) / 1440) * 240}
                height={14}
                rx={2}
                fill={token.colorSuccess}
              />
            ))}
            {[6, 12, 18].map((hour) => (
              <line key={hour} x1={hour * 10} x2={hour * 10} y1={0} y2={14} stroke={token.colorBgContainer} />
            ))}
          </svg>
        </div>
      ))}
      <Button size="small" onClick={likeMonday}>
        {t('hours.likeMonday')}
      </Button>
    </Space>
  );
}

export function HolidaysInput({ value = [], onChange }: { value?: string[]; onChange?: (days: string[]) => void }) {
  const { t } = useTranslation();
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size={6}>
      <Select
        mode="tags"
        open={false}
        suffixIcon={null}
        aria-label={t('hours.holidays')}
        value={value}
        tokenSeparators={[',', ' ']}
        placeholder="2026-10-01..2026-10-07, 01-01"
        onChange={onChange}
        style={{ width: '100%' }}
      />
      <DatePicker.RangePicker
        aria-label={t('hours.addHolidays')}
        value={null}
        onChange={(days) => {
          const [first, last] = (days ?? []).map((day) => day?.format('YYYY-MM-DD'));
          if (first && last) onChange?.([...value, first === last ? first : `${first}..${last}`]);
        }}
      />
    </Space>
  );
}

export function MakeUpInput({ value = [], onChange }: { value?: MakeUp[]; onChange?: (days: MakeUp[]) => void }) {
  const { t } = useTranslation();
  const set = (at: number, day: MakeUp) => onChange?.(value.map((one, nth) => (nth === at ? day : one)));
  const kinds = [
    ...WEEK_DAYS.map((day) => ({ value: day as string, label: t('hours.like', { day: t(`weekday.${day}`) }) })),
    { value: 'times', label: t('hours.ownTimes') },
  ];
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size={6}>
      {value.map((day, at) => (
        <Space.Compact
          block
          // biome-ignore lint/suspicious/noArrayIndexKey: the date is what is chosen
          key={at}
        >
          <DatePicker
            allowClear={false}
            aria-label={t('hours.date')}
            value={dayjs(day.date)}
            onChange={(date) => date && set(at, { ...day, date: date.format('YYYY-MM-DD') })}
          />
          <Select
            aria-label={t('hours.likeWhich')}
            value={day.like ?? 'times'}
            options={kinds}
            onChange={(kind) =>
              set(
                at,
                kind === 'times'
                  ? { date: day.date, times: ['09:00-18:00'] }
                  : { date: day.date, like: kind as WeekDay },
              )
            }
            style={{ width: 160, flex: 'none' }}
          />
          {day.times && (
            <Spans
              label={t('hours.ownTimes')}
              value={day.times}
              change={(times) => set(at, { date: day.date, times })}
            />
          )}
          <Button
            aria-label={t('flow.takeOut')}
            icon={<DeleteOutlined />}
            onClick={() => onChange?.(value.filter((_, nth) => nth !== at))}
          />
        </Space.Compact>
      ))}
      <Button
        size="small"
        icon={<PlusOutlined />}
        onClick={() => onChange?.([...value, { date: dayjs().format('YYYY-MM-DD'), like: 'mon' }])}
      >
        {t('hours.addMakeUp')}
      </Button>
    </Space>
  );
}
