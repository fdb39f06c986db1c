import dayjs, { type Dayjs } from 'dayjs';
import timezone from 'dayjs/plugin/timezone';
import utc from 'dayjs/plugin/utc';

dayjs.extend(utc);
dayjs.extend(timezone);

/** HH:MM:SS (GEN-04): whole seconds, cut down. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '';
  const total = Math.max(0, Math.floor(ms / 1000));
  const part = (value: number) => String(value).padStart(2, '0');
  return `${part(Math.floor(total / 3600))}:${part(Math.floor(total / 60) % 60)}:${part(total % 60)}`;
}

/** A percentage with two decimals; of nothing, 0.00% (GEN-05). */
export function rate(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(2)}%`;
}

/** A moment in the enterprise's time zone (GEN-03). */
export function moment(at: string | null | undefined, zone: string): string {
  return at ? dayjs(at).tz(zone).format('YYYY-MM-DD HH:mm:ss') : '';
}

export function timeOfDay(at: string | number, zone: string): string {
  return dayjs(at).tz(zone).format('HH:mm:ss');
}

/** What a picker shows is the wall time of the enterprise, wherever the browser is. */
export function instant(picked: Dayjs, zone: string): string {
  return dayjs.tz(picked.format('YYYY-MM-DDTHH:mm:ss'), zone).toISOString();
}

/** The other way round: what a picker shows of an instant. */
export function wallTime(at: string, zone: string): Dayjs {
  return dayjs(dayjs(at).tz(zone).format('YYYY-MM-DDTHH:mm:ss'));
}

/** What was picked, as a list of the API takes it. */
export function span([from, to]: [Dayjs, Dayjs], zone: string): { from: string; to: string } {
  return { from: instant(from, zone), to: instant(to, zone) };
}

/** From the beginning of today to that of tomorrow, as wall times of the enterprise. */
export function today(zone: string): [Dayjs, Dayjs] {
  const begins = dayjs(dayjs().tz(zone).format('YYYY-MM-DDT00:00:00'));
  return [begins, begins.add(1, 'day')];
}
