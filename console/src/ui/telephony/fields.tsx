import { DeleteOutlined, DownOutlined, PlusOutlined, UpOutlined } from '@ant-design/icons';
import { AutoComplete, Button, Divider, Form, Input, InputNumber, Select, Space, Switch } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { PromptSelect } from './PromptSelect';
import type { useThings } from './useThings';
import { type PlaceKind, placeOf, type StepKind, stepOf, stepWritten, written } from './values';
import './telephony.css';

export type Things = ReturnType<typeof useThings>;
type Name = string | (string | number)[];

/** A part of a form, its fields two beside each other. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Divider titlePlacement="start" style={{ margin: '4px 0 12px' }}>
        {title}
      </Divider>
      <div className="form-grid">{children}</div>
    </section>
  );
}

export function Toggle({ name, label, hint }: { name: Name; label: string; hint?: string }) {
  return (
    <Form.Item name={name} label={label} extra={hint} valuePropName="checked">
      <Switch />
    </Form.Item>
  );
}

/** A whole number of a range, with its unit. */
export function Num({
  name,
  label,
  min,
  max,
  unit,
  hint,
}: {
  name: Name;
  label: string;
  min: number;
  max: number;
  unit?: string;
  hint?: string;
}) {
  return (
    <Form.Item name={name} label={label} extra={hint ?? `${min} – ${max.toLocaleString()}`}>
      <InputNumber min={min} max={max} precision={0} suffix={unit} style={{ width: '100%' }} />
    </Form.Item>
  );
}

/** Milliseconds in the API, seconds for people. */
export function Seconds({ name, label, min, max }: { name: Name; label: string; min: number; max: number }) {
  return (
    <Form.Item
      name={name}
      label={label}
      extra={`${min} – ${max.toLocaleString()}`}
      getValueProps={(ms: number | null | undefined) => ({ value: ms === null || ms === undefined ? null : ms / 1000 })}
      normalize={(seconds: number | null) => (seconds === null ? null : seconds * 1000)}
    >
      <InputNumber min={min} max={max} precision={0} suffix="s" style={{ width: '100%' }} />
    </Form.Item>
  );
}

export function Pick({
  name,
  label,
  options,
  hint,
  clearable = false,
  required = false,
  placeholder,
}: {
  name: Name;
  label: string;
  options: { value: string; label: string }[];
  hint?: string;
  clearable?: boolean;
  required?: boolean;
  placeholder?: string;
}) {
  return (
    <Form.Item name={name} label={label} extra={hint} rules={required ? [{ required: true }] : []}>
      <Select showSearch allowClear={clearable} options={options} placeholder={placeholder} />
    </Form.Item>
  );
}

export function Line({
  name,
  label,
  hint,
  required = false,
  placeholder,
  rules = [],
}: {
  name: Name;
  label: string;
  hint?: string;
  required?: boolean;
  placeholder?: string;
  rules?: { pattern: RegExp; message: string }[];
}) {
  return (
    <Form.Item name={name} label={label} extra={hint} rules={[{ required }, ...rules]}>
      <Input placeholder={placeholder} autoComplete="off" />
    </Form.Item>
  );
}

export function PromptField({
  name,
  label,
  prompts,
  hint,
}: {
  name: Name;
  label: string;
  prompts: string[];
  hint?: string;
}) {
  return (
    <Form.Item name={name} label={label} extra={hint}>
      <PromptSelect clearable label={label} prompts={prompts} />
    </Form.Item>
  );
}

export const named = (all: readonly string[]) => all.map((value) => ({ value, label: value }));

const PLACES: readonly PlaceKind[] = [
  'queue',
  'flow',
  'extension',
  'room',
  'voicemail_queue',
  'voicemail_extension',
  'number',
  'echo',
];

/** Where calls lead; a field of a form, whose value is as the API writes it. */
export function PlaceInput({
  value,
  onChange,
  things,
  label,
  clearable = false,
  kinds = PLACES,
  id,
}: {
  value?: string | null;
  onChange?: (value: string | null) => void;
  things: Things;
  label: string;
  kinds?: readonly PlaceKind[];
  clearable?: boolean;
  id?: string;
}) {
  const { t } = useTranslation();
  const place = value ? placeOf(value) : undefined;
  const all = (kind: PlaceKind): string[] => {
    if (kind === 'queue' || kind === 'voicemail_queue') return things.queues;
    if (kind === 'flow') return things.flows;
    if (kind === 'room') return things.rooms;
    return kind === 'number' || kind === 'echo' ? [] : things.extensions;
  };
  return (
    <Space.Compact block>
      <Select
        {...(id ? { id } : {})}
        aria-label={`${label}: ${t('tel.kind')}`}
        allowClear={clearable}
        value={place?.kind}
        placeholder={clearable ? t('tel.callEnds') : t('flow.choose')}
        options={kinds.map((kind) => ({ value: kind, label: t(`place.${kind}`) }))}
        onChange={(kind: PlaceKind | undefined) =>
          onChange?.(kind ? written({ kind, name: all(kind)[0] ?? '' }) : null)
        }
        style={{ width: 150, flex: 'none' }}
      />
      {place && place.kind !== 'echo' && (
        <AutoComplete
          aria-label={label}
          value={place.name}
          options={named(all(place.kind))}
          onChange={(name) => onChange?.(written({ kind: place.kind, name }))}
          style={{ width: '100%' }}
        />
      )}
    </Space.Compact>
  );
}

const STEPS: readonly StepKind[] = ['queue', 'number', 'flow', 'voicemail', 'prompt'];

/** Where a caller goes whom no agent takes, one after the other (QUEUE-06). */
export function OverflowInput({
  value = [],
  onChange,
  things,
}: {
  value?: string[];
  onChange?: (value: string[]) => void;
  things: Things;
}) {
  const { t } = useTranslation();
  const set = (at: number, step: string) => onChange?.(value.map((one, nth) => (nth === at ? step : one)));
  const swap = (at: number) => {
    const [left, right] = [value[at], value[at + 1]];
    if (left !== undefined && right !== undefined)
      onChange?.([...value.slice(0, at), right, left, ...value.slice(at + 2)]);
  };
  const first: Record<StepKind, string> = {
    queue: things.queues[0] ?? '',
    number: '',
    flow: things.flows[0] ?? '',
    voicemail: '',
    prompt: 'queue_busy',
  };
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size={6}>
      {value.map((text, at) => {
        const { kind, name } = stepOf(text);
        const change = (next: string) => set(at, stepWritten(kind, next));
        const label = t('queueSet.overflowStep', { nth: at + 1 });
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: steps have no name but their place
          <Space.Compact block key={at}>
            <Button disabled style={{ width: 40, flex: 'none' }}>
              {at + 1}
            </Button>
            <Select
              aria-label={label}
              value={kind}
              options={STEPS.map((one) => ({ value: one, label: t(`overflow.${one}`) }))}
              onChange={(next) => set(at, stepWritten(next, first[next]))}
              style={{ width: 130, flex: 'none' }}
            />
            {kind === 'prompt' && (
              <PromptSelect
                label={label}
                prompts={things.prompts}
                value={name}
                onChange={(next) => next && change(next)}
              />
            )}
            {kind !== 'prompt' && kind !== 'voicemail' && (
              <AutoComplete
                aria-label={`${label}: ${t(`overflow.${kind}`)}`}
                value={name}
                options={kind === 'number' ? [] : named(kind === 'queue' ? things.queues : things.flows)}
                onChange={change}
                style={{ width: '100%' }}
              />
            )}
            {kind === 'voicemail' && <Input disabled aria-label={label} />}
            <Button aria-label={t('tel.up')} icon={<UpOutlined />} disabled={at === 0} onClick={() => swap(at - 1)} />
            <Button
              aria-label={t('tel.down')}
              icon={<DownOutlined />}
              disabled={at === value.length - 1}
              onClick={() => swap(at)}
            />
            <Button
              aria-label={t('flow.takeOut')}
              icon={<DeleteOutlined />}
              onClick={() => onChange?.(value.filter((_, nth) => nth !== at))}
            />
          </Space.Compact>
        );
      })}
      <Button
        size="small"
        icon={<PlusOutlined />}
        disabled={value.length >= 16}
        onClick={() => onChange?.([...value, 'voicemail'])}
      >
        {t('queueSet.addOverflow')}
      </Button>
    </Space>
  );
}
