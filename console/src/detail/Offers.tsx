import { Table } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useSession } from '../app/session';
import { timeOfDay } from '../format';
import { Nothing } from '../ui/States';
import type { CallDocument } from './findings';
import { Why } from './Why';

type Offer = Schemas['SegmentShown'];

/** To whom a call was offered, and why to him. */
export function Offers({ call }: { call: CallDocument }) {
  const { t, i18n } = useTranslation();
  const { time_zone: zone } = useSession();
  const offers = call.segments.filter(({ kind }) => kind === 'offer');
  if (offers.length === 0) return <Nothing text={t('detail.noOffers')} />;
  const outcome = (word: string | null | undefined) => {
    const key = `segmentOutcome.${word}`;
    return i18n.exists(key) ? String(t(key as 'common.ok')) : word;
  };
  return (
    <Table<Offer>
      size="small"
      pagination={false}
      scroll={{ x: 'max-content' }}
      rowKey={({ agent, started_at }) => `${agent} ${started_at}`}
      dataSource={offers}
      columns={[
        { title: t('records.agent'), dataIndex: 'agent' },
        { title: t('records.queue'), dataIndex: 'queue' },
        { title: t('missed.ringStart'), render: (_, { started_at }) => timeOfDay(started_at, zone) },
        { title: t('detail.outcome'), render: (_, offer) => outcome(offer.outcome) },
        { title: t('why.title'), render: (_, { why }) => (why ? <Why why={why} /> : t('why.called')) },
      ]}
    />
  );
}
