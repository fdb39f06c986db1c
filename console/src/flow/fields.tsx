import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { AutoComplete, Button, Form, Input, InputNumber, Select, Space } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { PromptSelect } from '../ui/telephony/PromptSelect';
import { OPEN, type Spoken, TONES } from './model';

/** A labelled row; the input is named by the label. */
export function Row({
  label,
  children,
  hint,
  required,
}: {
  label: string;
  children: ReactNode;
  hint?: string;
  required?: boolean;
}) {
  return (
    <Form.Item label={label} required={required} extra={hint} style={{ marginBottom: 12 }}>
      {children}
    </Form.Item>
  );
}

/** One of those that there are. */
export function Choice({
  label,
  value,
  all,
  change,
}: {
  label: string;
  value: string | undefined;
  all: readonly string[];
  change: (value: string) => void;
}) {
  const { t } = useTranslation();
  const known = value === undefined || value === OPEN || all.includes(value) ? all : [value, ...all];
  return (
    <Select
      showSearch
      aria-label={label}
      value={value === OPEN ? undefined : value}
      placeholder={t('flow.choose')}
      options={known.map((one) => ({ value: one, label: one }))}
      onChange={change}
      status={value === OPEN ? 'error' : undefined}
      style={{ width: '100%' }}
    />
  );
}

/** A number of a range, with its unit. */
export function Figure({
  label,
  value,
  usual,
  min,
  max,
  unit,
  change,
}: {
  label: string;
  value: number | undefined;
  usual: number;
  min: number;
  max: number;
  unit?: string;
  change: (value: number | undefined) => void;
}) {
  return (
    <Row label={label}>
      <InputNumber
        aria-label={label}
        min={min}
        max={max}
        precision={0}
        value={value}
        placeholder={String(usual)}
        suffix={unit}
        onChange={(next) => change(next ?? undefined)}
        style={{ width: '100%' }}
      />
    </Row>
  );
}

type Form_ = 'prompt' | 'number' | 'digits' | 'tone' | 'silence_ms';
const FORMS: readonly Form_[] = ['prompt', 'number', 'digits', 'tone', 'silence_ms'];
const formOf = (part: Spoken): Form_ => (typeof part === 'string' ? 'prompt' : (Object.keys(part)[0] as Form_));
const BEGIN: Record<Form_, Spoken> = {
  prompt: 'ivr_welcome',
  number: { number: '' },
  digits: { digits: '' },
  tone: { tone: 'beep' },
  silence_ms: { silence_ms: 500 },
};

interface SaysGiven {
  label: string;
  value: Spoken[];
  prompts: string[];
  change: (value: Spoken[]) => void;
  only?: 'prompt';
}

/** What is said, one part after the other. */
export function Says(given: SaysGiven) {
  return (
    <Row label={given.label}>
      <SaysParts {...given} />
    </Row>
  );
}

export function SaysParts({ label, value, prompts, change, only }: SaysGiven) {
  const { t } = useTranslation();
  const set = (at: number, part: Spoken) => change(value.map((one, nth) => (nth === at ? part : one)));
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size={6}>
      {value.map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no name but their place
        <Space.Compact block key={at}>
          {!only && (
            <Select
              aria-label={t('flow.partKind')}
              value={formOf(part)}
              options={FORMS.map((one) => ({ value: one, label: t(`flowPart.${one}`) }))}
              onChange={(next) => set(at, BEGIN[next])}
              style={{ width: 104, flex: 'none' }}
            />
          )}
          <Part label={label} part={part} prompts={prompts} change={(next) => set(at, next)} />
          <Button
            aria-label={t('flow.takeOut')}
            icon={<DeleteOutlined />}
            onClick={() => change(value.filter((_, nth) => nth !== at))}
          />
        </Space.Compact>
      ))}
      <Button size="small" icon={<PlusOutlined />} onClick={() => change([...value, prompts[0] ?? 'ivr_welcome'])}>
        {t('flow.addPart')}
      </Button>
    </Space>
  );
}

function Part({
  label,
  part,
  prompts,
  change,
}: {
  label: string;
  part: Spoken;
  prompts: string[];
  change: (part: Spoken) => void;
}) {
  if (typeof part === 'string')
    return <PromptSelect {...{ label, prompts }} value={part} onChange={(name) => name && change(name)} />;
  if ('tone' in part) {
    return (
      <Select
        aria-label={label}
        value={part.tone}
        options={TONES.map((tone) => ({ value: tone, label: tone }))}
        onChange={(tone) => change({ tone })}
        style={{ width: '100%' }}
      />
    );
  }
  if ('silence_ms' in part) {
    return (
      <InputNumber
        aria-label={label}
        min={0}
        max={10_000}
        suffix="ms"
        value={part.silence_ms}
        onChange={(ms) => change({ silence_ms: ms ?? 0 })}
        style={{ width: '100%' }}
      />
    );
  }
  const [key, text] = Object.entries(part)[0] as ['number' | 'digits', string];
  return (
    <Input
      aria-label={label}
      value={text}
      placeholder="{digits}"
      onChange={(event) => change(key === 'number' ? { number: event.target.value } : { digits: event.target.value })}
    />
  );
}

/** A text with variables, or one of those that there are. */
export function Text({
  label,
  value,
  all,
  change,
  hint,
  placeholder,
}: {
  label: string;
  value: string;
  all?: string[];
  change: (value: string) => void;
  hint?: string;
  placeholder?: string;
}) {
  return (
    <Row label={label} hint={hint} required>
      <AutoComplete
        aria-label={label}
        value={value}
        placeholder={placeholder}
        options={(all ?? []).map((one) => ({ value: one }))}
        onChange={change}
        showSearch={{ filterOption: (typed, option) => String(option?.value ?? '').includes(typed) }}
        style={{ width: '100%' }}
      />
    </Row>
  );
}

/** Pairs of a name and something else, each with its bin. */
export function Pairs<V>({
  label,
  value,
  begin,
  draw,
  change,
  nameLabel,
}: {
  label: string;
  value: Record<string, V>;
  begin: V;
  draw: (value: V, change: (value: V) => void) => ReactNode;
  change: (value: Record<string, V>) => void;
  nameLabel: string;
}) {
  const { t } = useTranslation();
  const all = Object.entries(value);
  const set = (at: number, pair: [string, V]) =>
    change(Object.fromEntries(all.map((one, nth) => (nth === at ? pair : one))));
  const free = () => {
    let nth = all.length + 1;
    while (value[`value_${nth}`] !== undefined) nth += 1;
    return `value_${nth}`;
  };
  return (
    <Row label={label}>
      <Space orientation="vertical" style={{ width: '100%' }} size={6}>
        {all.map(([name, one], at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the name is what is typed
          <Space.Compact block key={at}>
            <Input
              aria-label={nameLabel}
              value={name}
              onChange={(event) => set(at, [event.target.value, one])}
              style={{ width: 120, flex: 'none' }}
            />
            {draw(one, (next) => set(at, [name, next]))}
            <Button
              aria-label={t('flow.takeOut')}
              disabled={all.length === 1}
              icon={<DeleteOutlined />}
              onClick={() => change(Object.fromEntries(all.filter((_, nth) => nth !== at)))}
            />
          </Space.Compact>
        ))}
        <Button size="small" icon={<PlusOutlined />} onClick={() => change({ ...value, [free()]: begin })}>
          {t('flow.addPair')}
        </Button>
      </Space>
    </Row>
  );
}
