import { PhoneFilled } from '@ant-design/icons';
import { Button, Card, Descriptions, Progress, Space, Typography } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { keyOf, useShortcuts } from '../app/shortcuts';
import { useNow } from '../desk/clock';
import { type Desk, phaseOf, wayOf, whoIs } from '../desk/model';
import { hangUp } from '../desk/orders';
import { useDesk } from '../desk/store';
import { duration } from '../format';
import { answer, usePhone } from '../phone/softphone';
import { callAttention } from './attention';
import { useOrder } from './useOrder';

/** Who calls, by which queue, how long he waited and how long it still rings (CALL-11). */
export function IncomingWindow() {
  const desk = useDesk((seen) => seen.desk);
  const line = usePhone((phone) => phone.line);
  if (phaseOf(desk?.agent) !== 'ringing' && line.kind !== 'ringing') return null;
  return <Ringing />;
}

/** How long it still rings, by the server's clock. */
function leftOf(offer: Desk['offered_by'], now: number): { seconds: number; part: number } | undefined {
  if (!offer?.rings_since || !offer.rings_until) return undefined;
  const [since, until] = [Date.parse(offer.rings_since), Date.parse(offer.rings_until)];
  const leftMs = Math.min(Math.max(0, until - now), until - since);
  return { seconds: Math.ceil(leftMs / 1000), part: leftMs / (until - since) };
}

function Ringing() {
  const { t } = useTranslation();
  const now = useNow();
  const { run, isBusy } = useOrder();
  const desk = useDesk((seen) => seen.desk);
  const line = usePhone((phone) => phone.line);
  const { call, offered_by: offer } = desk ?? {};
  // What the desk says of a call, the phone knows no better: the number may be one that is not for his eyes.
  const known = call ? call.caller : line.kind === 'ringing' ? line.from : '';
  const caller = known || t('bar.unknownCaller');
  const who = call && whoIs(call, desk?.agent?.signed_in_on);
  const left = leftOf(offer, now);
  const way = wayOf(desk?.agent);
  const isElsewhere = usePhone(({ registration }) => registration.kind === 'elsewhere');
  useEffect(() => callAttention(t('incoming.title'), caller), [caller, t]);
  useShortcuts({ answer: line.kind === 'ringing' ? answer : undefined });
  return (
    <Card
      className="incoming"
      role="alertdialog"
      aria-label={t('incoming.title')}
      size="small"
      title={call?.direction === 'internal' ? t('incoming.internal') : t('incoming.title')}
      extra={left && <span data-testid="countdown">{t('incoming.countdown', { count: left.seconds })}</span>}
      // It counts down; who calls is told by the announcer.
      aria-live="off"
    >
      <Typography.Title level={3} style={{ margin: '0 0 8px' }} data-testid="caller">
        {caller}
      </Typography.Title>
      {who && (
        <Typography.Paragraph type="secondary" data-testid="who-calls">
          {who}
        </Typography.Paragraph>
      )}
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
      {left && (
        <Progress
          aria-label={t('incoming.countdown', { count: left.seconds })}
          percent={left.part * 100}
          showInfo={false}
          size="small"
          status="active"
        />
      )}
      <Space style={{ marginTop: 8, width: '100%', justifyContent: 'flex-end' }}>
        {way === 'desk' && <Typography.Text type="secondary">{t('incoming.onDesk')}</Typography.Text>}
        {isElsewhere && <Typography.Text type="secondary">{t('incoming.elsewhere')}</Typography.Text>}
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
