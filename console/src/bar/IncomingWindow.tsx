import { PhoneFilled } from '@ant-design/icons';
import { Button, Card, Descriptions, Progress, Space, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { keyOf, useShortcuts } from '../app/shortcuts';
import { serverNow, useNow } from '../desk/clock';
import { phaseOf, wayOf } from '../desk/model';
import { hangUp } from '../desk/orders';
import { useDesk } from '../desk/store';
import { duration } from '../format';
import { answer, usePhone } from '../phone/softphone';
import { callAttention } from './attention';
import { useQueueRules } from './queues';
import { useOrder } from './useOrder';

/** Who calls, by which queue, how long he waited and how long it still rings (CALL-11). */
export function IncomingWindow() {
  const desk = useDesk((seen) => seen.desk);
  const line = usePhone((phone) => phone.line);
  if (phaseOf(desk?.agent) !== 'ringing' && line.kind !== 'ringing') return null;
  return <Ringing />;
}

function Ringing() {
  const { t } = useTranslation();
  const now = useNow();
  const [since] = useState(serverNow);
  const { run, isBusy } = useOrder();
  const desk = useDesk((seen) => seen.desk);
  const line = usePhone((phone) => phone.line);
  const { call, offered_by: offer } = desk ?? {};
  const rules = useQueueRules().find((queue) => queue.name === offer?.queue);
  const caller = call?.caller || (line.kind === 'ringing' ? line.from : '') || t('bar.unknownCaller');
  const left = rules && Math.max(0, rules.ring_timeout_s - Math.floor((now - since) / 1000));
  const way = wayOf(desk?.agent);
  useEffect(() => callAttention(t('incoming.title'), caller), [caller, t]);
  useShortcuts({ answer: line.kind === 'ringing' ? answer : undefined });
  return (
    <Card
      className="incoming"
      role="alertdialog"
      aria-label={t('incoming.title')}
      size="small"
      title={call?.direction === 'internal' ? t('incoming.internal') : t('incoming.title')}
      extra={left !== undefined && t('incoming.countdown', { count: left })}
    >
      <Typography.Title level={3} style={{ margin: '0 0 8px' }} data-testid="caller">
        {caller}
      </Typography.Title>
      {offer && (
        <Descriptions
          size="small"
          column={2}
          items={[
            { key: 'queue', label: t('incoming.queue'), children: offer.queue },
            { key: 'waited', label: t('incoming.waited'), children: duration(now - Date.parse(offer.waiting_since)) },
          ]}
        />
      )}
      {rules && left !== undefined && (
        <Progress
          aria-label={t('incoming.countdown', { count: left })}
          percent={(left / rules.ring_timeout_s) * 100}
          showInfo={false}
          size="small"
          status="active"
        />
      )}
      <Space style={{ marginTop: 8, width: '100%', justifyContent: 'flex-end' }}>
        {way === 'desk' && <Typography.Text type="secondary">{t('incoming.onDesk')}</Typography.Text>}
        {way === 'mobile' && <Typography.Text type="secondary">{t('incoming.onMobile')}</Typography.Text>}
        <Button danger disabled={isBusy} onClick={() => run(() => hangUp(call?.id))}>
          {t('bar.reject')}
        </Button>
        {line.kind === 'ringing' && (
          <Button
            type="primary"
            aria-label={t('bar.answer')}
            title={keyOf('answer')}
            icon={<PhoneFilled />}
            style={{ background: '#15803d' }}
            onClick={answer}
          >
            {t('bar.answer')}
          </Button>
        )}
      </Space>
    </Card>
  );
}
