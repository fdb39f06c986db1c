import { useQuery } from '@tanstack/react-query';
import { Alert, Drawer, InputNumber, Segmented, Select, Space, Statistic, Table } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { inWords } from '../../api/problem';
import { WEEK_DAYS, type WeekDay } from '../../flow/model';
import { duration, rate } from '../../format';
import { Answered } from '../../ui/States';

type Forecasts = Schemas['Staffing'];
type Slot = Schemas['Slot'];

const CUTS = ['half_hour', 'hour'] as const;
const share = (part: number | null | undefined) => (typeof part === 'number' ? rate(part, 1) : '');

/** How many agents a queue needs by the time of day, from what it had to do. */
export function Staffing({ name, close }: { name: string; close: () => void }) {
  const { t } = useTranslation();
  const [days, setDays] = useState<WeekDay[]>(['mon', 'tue', 'wed', 'thu', 'fri']);
  const [by, setBy] = useState<(typeof CUTS)[number]>('half_hour');
  const [level, setLevel] = useState(80);
  const wanted = { by, service_level: level / 100, ...(days.length > 0 ? { weekdays: days.join(',') } : {}) };
  const query = useQuery({
    queryKey: ['queues', name, 'staffing', wanted],
    queryFn: () => ask(api.GET('/api/v1/queues/{name}/staffing', { params: { path: { name }, query: wanted } })),
    placeholderData: (before) => before,
  });
  return (
    <Drawer open size={860} title={t('staffing.title', { name })} onClose={close}>
      <Space orientation="vertical" size="middle" style={{ width: '100%' }}>
        <Space wrap>
          <Select
            mode="multiple"
            aria-label={t('flow.days')}
            placeholder={t('flow.everyDay')}
            value={days}
            options={WEEK_DAYS.map((value) => ({ value, label: t(`weekday.${value}`) }))}
            onChange={setDays}
            style={{ minWidth: 300 }}
          />
          <Segmented
            value={by}
            options={CUTS.map((value) => ({ value, label: t(`staffingCut.${value}`) }))}
            onChange={setBy}
          />
          <InputNumber
            aria-label={t('staffing.level')}
            prefix={t('staffing.level')}
            suffix="%"
            min={1}
            max={99}
            precision={0}
            value={level}
            onChange={(next) => setLevel(next ?? 80)}
            style={{ width: 190 }}
          />
        </Space>
        <Answered query={query}>{(staffing) => <Shown staffing={staffing} />}</Answered>
      </Space>
    </Drawer>
  );
}

function Shown({ staffing: { measured, note, slots, target_s } }: { staffing: Forecasts }) {
  const { t } = useTranslation();
  return (
    <Space orientation="vertical" size="middle" style={{ width: '100%' }}>
      {note && <Alert showIcon type="info" title={inWords(note)} />}
      <Space size="large" wrap>
        <Statistic title={t('staffing.calls')} value={measured.calls} />
        <Statistic title={t('staffing.handle')} value={duration(measured.handle_ms) || '-'} />
        <Statistic title={t('staffing.patience')} value={duration(measured.patience_ms) || t('tel.endless')} />
        <Statistic
          title={t('staffing.levelSeen', { seconds: target_s })}
          value={share(measured.service_level) || '-'}
        />
      </Space>
      <Table<Slot>
        size="small"
        pagination={false}
        rowKey={({ begins }) => begins}
        dataSource={slots}
        scroll={{ x: 'max-content' }}
        columns={[
          { title: t('staffing.time'), dataIndex: 'begins' },
          { title: t('staffing.perHour'), render: (_, { demand }) => demand?.calls_per_hour.toFixed(1) },
          { title: t('staffing.handle'), render: (_, { demand }) => duration(demand?.handle_ms) },
          { title: t('staffing.needed'), render: (_, { needed }) => needed && <b>{needed.agents}</b> },
          { title: t('staffing.level'), render: (_, { needed }) => share(needed?.service_level) },
          { title: t('staffing.wait'), render: (_, { needed }) => duration(needed?.mean_wait_ms) },
          { title: t('staffing.abandoned'), render: (_, { needed }) => share(needed?.abandoned) },
          { title: t('staffing.occupancy'), render: (_, { needed }) => share(needed?.occupancy) },
        ]}
      />
    </Space>
  );
}
