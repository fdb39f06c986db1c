import { Table } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../../api/client';
import { useNow } from '../../desk/clock';
import { Why } from '../../detail/Why';
import { duration } from '../../format';

type Caller = Schemas['WaitingCaller'];

/** Who waits in a queue, in his turn, and who is rung for him just now. */
export function Waiting({ callers }: { callers: readonly Caller[] }) {
  const { t } = useTranslation();
  const now = useNow();
  return (
    <div data-testid="waiting">
      <Table<Caller>
        size="small"
        pagination={false}
        rowKey={({ call }) => call}
        dataSource={[...callers]}
        locale={{ emptyText: t('queues.nobodyWaits') }}
        columns={[
          { title: t('queues.place'), dataIndex: 'place', width: 70 },
          { title: t('queues.caller'), render: (_, { number }) => number || t('bar.unknownCaller') },
          { title: t('records.wait'), render: (_, { since }) => duration(now - Date.parse(since)) },
          {
            title: t('queues.offered'),
            render: (_, { offers }) =>
              offers.map(({ agent, since, why }) => (
                <div key={agent}>
                  {t('queues.rings', { agent, time: duration(now - Date.parse(since)) })}
                  <Why why={why} />
                </div>
              )),
          },
        ]}
      />
    </div>
  );
}
