import { PhoneOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Form, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { askCrm, type CrmLostCall } from '../api/crm';
import { textOf } from '../api/problem';
import { useSession } from '../app/session';
import { moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ExportButton } from '../ui/ExportButton';
import { ChoiceField, TextField, type Timed, TimeField, typed } from '../ui/fields';
import { NumberLink } from '../ui/NumberLink';
import { type View, ViewSwitch } from '../ui/ViewSwitch';

const STATES = ['open', 'occupied', 'completed'] as const;
/** How soon it is looked at again who occupies what, ms. */
const AGAIN_MS = 15_000;
const COLOURS = { open: 'warning', occupied: 'processing', completed: 'success' } as const;

interface Wanted extends Timed {
  number?: string;
  state?: (typeof STATES)[number];
}

/** Lost calls (LOST-01 to LOST-11): the number is masked until one occupies it, and only then it can be dialled. */
export function LostCalls() {
  const { t } = useTranslation();
  const { time_zone: zone, employee } = useSession();
  const [view, setView] = useState<View>('all');
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const conditions = { view, ...span(wanted.time, zone), number: typed(wanted.number), state: wanted.state };
  return (
    <div className="page">
      {employee && <ViewSwitch view={view} choose={setView} />}
      <Conditions
        form={form}
        initial={initial}
        ask={setWanted}
        extra={<ExportButton module="crm_lost_calls" conditions={conditions} />}
      >
        <TimeField label={t('lost.began')} />
        <TextField name="number" label={t('records.caller')} />
        <ChoiceField
          name="state"
          label={t('lost.state')}
          options={STATES.map((value) => ({ value, label: t(`lostState.${value}`) }))}
        />
      </Conditions>
      <DataTable<CrmLostCall>
        name={['crm-lost', conditions]}
        load={(page) => askCrm(api.GET('/api/v1/crm/lost-calls', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        again={() => AGAIN_MS}
        columns={[
          { title: t('records.caller'), render: (_, row) => <Caller row={row} /> },
          { title: t('missed.location'), dataIndex: 'location' },
          { title: t('records.callee'), render: (_, { callee }) => <NumberLink number={callee} /> },
          { title: t('lost.line'), dataIndex: 'line' },
          { title: t('records.queue'), dataIndex: 'queue' },
          { title: t('lost.began'), render: (_, row) => moment(row.began_at, zone) },
          { title: t('lost.ended'), render: (_, row) => moment(row.ended_at, zone) },
          { title: t('lost.voicemail'), render: (_, row) => (row.voicemail ? t('common.yes') : t('common.no')) },
          {
            title: t('lost.state'),
            render: (_, { state }) => <Tag color={COLOURS[state]}>{t(`lostState.${state}`)}</Tag>,
          },
          { title: t('lost.owner'), dataIndex: 'owner' },
          { title: t('lost.ownedAt'), render: (_, row) => moment(row.owned_at, zone) },
          { title: t('common.operation'), fixed: 'right', render: (_, row) => <Actions row={row} /> },
        ]}
      />
    </div>
  );
}

/** The rows of a number change together, so all are asked for again. */
function useAction() {
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [isBusy, setIsBusy] = useState(false);
  const run = async (order: () => Promise<unknown>, done?: string) => {
    setIsBusy(true);
    try {
      await order();
      if (done) void message.success(done);
    } catch (error) {
      void message.warning(textOf(error));
    }
    setIsBusy(false);
    await queries.invalidateQueries({ queryKey: ['crm-lost'] });
  };
  return { isBusy, run };
}

const at = (row: CrmLostCall) => ({ params: { path: { id: row.id } } });

function Caller({ row }: { row: CrmLostCall }) {
  const { t } = useTranslation();
  const { isBusy, run } = useAction();
  if (!row.caller) return t('bar.unknownCaller');
  if (!row.actions.includes('dial')) return row.caller;
  return (
    <span style={{ whiteSpace: 'nowrap' }}>
      {row.caller}
      <Button
        type="text"
        size="small"
        icon={<PhoneOutlined />}
        disabled={isBusy}
        aria-label={`${t('bar.dial')} ${row.caller}`}
        onClick={() =>
          run(
            () => ask(api.POST('/api/v1/crm/lost-calls/{id}/dial', at(row))),
            t('missed.called', { number: row.caller }),
          )
        }
      />
    </span>
  );
}

/** The buttons of LOST-11: what the server says that one may do, no more. */
function Actions({ row }: { row: CrmLostCall }) {
  const { t } = useTranslation();
  const { isBusy, run } = useAction();
  const offers = (action: string) => row.actions.includes(action);
  const occupy = () => ask(api.POST('/api/v1/crm/lost-calls/{id}/occupy', at(row)));
  const release = () => ask(api.POST('/api/v1/crm/lost-calls/{id}/release', at(row)));
  const complete = () => ask(api.POST('/api/v1/crm/lost-calls/{id}/complete', at(row)));
  return (
    <Space size={4}>
      {offers('occupy') && (
        <Button size="small" type="primary" disabled={isBusy} onClick={() => run(occupy)}>
          {t('lost.occupy')}
        </Button>
      )}
      {offers('release') && (
        <Button size="small" disabled={isBusy} onClick={() => run(release)}>
          {t('lost.release')}
        </Button>
      )}
      {offers('complete') && (
        <Button size="small" type="primary" disabled={isBusy} onClick={() => run(complete)}>
          {t('lost.complete')}
        </Button>
      )}
    </Space>
  );
}
