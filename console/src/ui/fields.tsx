import { useQuery } from '@tanstack/react-query';
import { AutoComplete, DatePicker, Form, Input, InputNumber, Select } from 'antd';
import type { Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { useMay } from '../app/session';
import { useQueueRules } from '../bar/queues';

/** The conditions that many lists have (GEN-10), each by the name of its value in the form. */
export interface Timed {
  time: [Dayjs, Dayjs];
}

export function TimeField({ label }: { label: string }) {
  return (
    <Form.Item name="time" label={label}>
      <DatePicker.RangePicker showTime allowClear={false} />
    </Form.Item>
  );
}

export function TextField({ name, label, width = 140 }: { name: string; label: string; width?: number }) {
  return (
    <Form.Item name={name} label={label}>
      <Input allowClear autoComplete="off" style={{ width }} />
    </Form.Item>
  );
}

export function ChoiceField({
  name,
  label,
  options,
  width = 130,
}: {
  name: string;
  label: string;
  options: { value: string | boolean; label: string }[];
  width?: number;
}) {
  const { t } = useTranslation();
  return (
    <Form.Item name={name} label={label}>
      <Select allowClear style={{ width }} placeholder={t('common.all')} options={options} />
    </Form.Item>
  );
}

export function YesNoField({ name, label }: { name: string; label: string }) {
  const { t } = useTranslation();
  const options = [
    { value: true, label: t('common.yes') },
    { value: false, label: t('common.no') },
  ];
  return <ChoiceField name={name} label={label} options={options} width={90} />;
}

/** A queue by its name, of those that one may see. */
export function QueueField({ label }: { label: string }) {
  const options = useQueueRules().map(({ name }) => ({ value: name }));
  return (
    <Form.Item name="queue" label={label}>
      <AutoComplete allowClear style={{ width: 130 }} options={options} />
    </Form.Item>
  );
}

/** At least and at most so many seconds: `min` and `max`. */
export function SecondsFields({ min, max }: { min: string; max: string }) {
  return (
    <>
      <Form.Item name="min" label={min}>
        <InputNumber min={0} precision={0} style={{ width: 80 }} />
      </Form.Item>
      <Form.Item name="max" label={max}>
        <InputNumber min={0} precision={0} style={{ width: 80 }} />
      </Form.Item>
    </>
  );
}

export interface Seconds {
  min?: number | null;
  max?: number | null;
}

export const inMs = (seconds: number | null | undefined) => (typeof seconds === 'number' ? seconds * 1000 : undefined);

const DEPARTMENTS = 200;

/** A department with all below it; not together with an agent (LOG-02, LOG-07). For who may see departments. */
export function DepartmentField({ label }: { label: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const isSeen = may('departments.read');
  const agent = Form.useWatch<string | undefined>('agent');
  const { data } = useQuery({
    queryKey: ['departments', 'to choose from'],
    queryFn: () => ask(api.GET('/api/v1/departments', { params: { query: { limit: DEPARTMENTS } } })),
    enabled: isSeen,
    staleTime: 60_000,
  });
  if (!isSeen) return null;
  return (
    <Form.Item name="department" label={label}>
      <Select
        allowClear
        showSearch={{ optionFilterProp: 'label' }}
        disabled={Boolean(agent?.trim())}
        style={{ width: 150 }}
        placeholder={t('common.all')}
        options={(data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
      />
    </Form.Item>
  );
}

/** What was typed, without spaces; nothing where nothing was. */
export const typed = (text: string | undefined) => text?.trim() || undefined;
