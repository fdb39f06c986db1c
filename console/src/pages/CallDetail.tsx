import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Descriptions, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { idAt } from '../app/pages';
import { useMay, useSession } from '../app/session';
import { FlowPath } from '../detail/FlowPath';
import { type CallDocument, type CallQuality, type Finding, findings } from '../detail/findings';
import { Ladder } from '../detail/Ladder';
import { Offers } from '../detail/Offers';
import { Quality } from '../detail/Quality';
import { Timeline } from '../detail/Timeline';
import { duration, moment, timeOfDay } from '../format';
import { NumberLink } from '../ui/NumberLink';
import { Recording } from '../ui/Recordings';
import { Answered, Nothing } from '../ui/States';

/** One call, and why it failed or sounded bad: its parties, time line, SIP messages, media, recordings and survey. */
export function CallDetail({ path }: { path: string }) {
  const id = idAt(path);
  const query = useQuery({
    queryKey: ['call-record', id],
    queryFn: () => ask(api.GET('/api/v1/call-records/{id}', { params: { path: { id } } })),
  });
  return <Answered query={query}>{(call) => <Call call={call} />}</Answered>;
}

function Call({ call }: { call: CallDocument }) {
  const { t } = useTranslation();
  const may = useMay();
  const quality = useQuery({
    queryKey: ['call-quality', call.id],
    queryFn: () => ask(api.GET('/api/v1/call-records/{id}/quality', { params: { path: { id: call.id } } })),
  });
  return (
    <div className="page">
      <Findings call={call} quality={quality.data} />
      <Summary call={call} />
      <Card size="small" title={t('detail.timeline')}>
        <Timeline call={call} />
      </Card>
      <Card size="small" title={t('detail.flowPath')}>
        <FlowPath call={call} />
      </Card>
      <Card size="small" title={t('detail.offers')}>
        <Offers call={call} />
      </Card>
      <Card size="small" title={t('detail.quality')}>
        <Answered query={quality}>{(known) => <Quality call={call} quality={known} />}</Answered>
      </Card>
      <Card size="small" title={t('records.recording')}>
        {call.recordings.length === 0 && <Nothing text={t('records.noRecording')} />}
        {call.recordings.map(({ id }) => (
          <Recording key={id} id={id} />
        ))}
      </Card>
      {may('call_ladders.read') && (
        <Card size="small" title={t('detail.ladder')}>
          <Ladder call={call} />
        </Card>
      )}
    </div>
  );
}

/** What one wants to know first. */
function Findings({ call, quality }: { call: CallDocument; quality: CallQuality | undefined }) {
  const { t, i18n } = useTranslation();
  const { time_zone: zone } = useSession();
  const known = (group: string, word: unknown) => {
    const key = `${group}.${word}`;
    return i18n.exists(key) ? String(t(key as 'common.ok')) : String(word);
  };
  const words = ({ word, values }: Finding) => {
    const { cause, outcome, by, at, fault } = values;
    return t(`finding.${word}`, {
      ...values,
      ...(cause === undefined ? {} : { cause: known('cause', cause) }),
      ...(outcome === undefined ? {} : { outcome: known('segmentOutcome', outcome) }),
      ...(by === undefined ? {} : { by: known('endedBy', by) }),
      ...(fault === undefined ? {} : { fault: known('flowFault', fault) }),
      ...(at === undefined ? {} : { at: timeOfDay(at, zone) }),
    });
  };
  return findings(call, quality).map((finding) => (
    <Alert key={words(finding)} showIcon type={finding.tone} title={words(finding)} />
  ));
}

function Summary({ call }: { call: CallDocument }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const answer = call.survey?.answer as { label?: string } | null | undefined;
  const survey = call.survey ? (answer?.label ?? t('records.notRated')) : t('records.notInvited');
  const items = [
    { label: t('records.type'), children: <Tag>{t(`records.${call.direction}`)}</Tag> },
    { label: t('records.caller'), children: <NumberLink number={call.caller} /> },
    { label: t('records.callee'), children: <NumberLink number={call.callee} /> },
    { label: t('lost.line'), children: call.trunk },
    { label: t('records.queue'), children: call.queue },
    { label: t('records.agent'), children: call.agent },
    { label: t('records.start'), children: moment(call.created_at, zone) },
    { label: t('missed.ringStart'), children: moment(call.ringing_at, zone) },
    { label: t('records.answer'), children: moment(call.connected_at ?? call.answered_at, zone) },
    { label: t('records.end'), children: moment(call.ended_at, zone) },
    { label: t('records.wait'), children: duration(call.queue_wait_ms) },
    { label: t('records.ring'), children: duration(call.ring_duration_ms) },
    { label: t('records.talk'), children: duration(call.talk_duration_ms) },
    { label: t('records.total'), children: duration(call.total_duration_ms) },
    { label: t('records.satisfaction'), children: survey },
    { label: t('detail.id'), children: call.id },
  ];
  return (
    <Descriptions
      size="small"
      bordered
      column={{ xs: 1, md: 2, lg: 3 }}
      items={items.map((item, key) => ({ key, ...item }))}
    />
  );
}
