import { Tag, Tooltip, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNow } from '../desk/clock';
import { type Desk, otherSide, type Phase, whoIs } from '../desk/model';
import { duration } from '../format';
import { usePhone } from '../phone/softphone';
import { QualityMark } from './QualityMark';

/** During a call: the other side, how long, and what the call does (CALL-30). */
export function CallDisplay({ desk, phase }: { desk: Desk | undefined; phase: Phase }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const now = useNow();
  const line = usePhone((phone) => phone.line);
  const call = desk?.call;
  const number = call ? otherSide(call, desk?.agent?.signed_in_on) : line.kind === 'calling' ? line.to : '';
  const who = call && whoIs(call, desk?.agent?.signed_in_on);
  const since = call && (call.answered_at ?? call.created_at);
  // Who is asked or joined stands behind the two who talked before.
  const third = phase === 'consulting' || phase === 'three_way' ? call?.legs.at(2)?.peer_name : undefined;
  const shown = phase === 'none' ? 'dialling' : phase;
  return (
    <div className="bar-display bar-call" style={{ background: token.colorPrimaryBg }} data-testid="call">
      <Tooltip
        title={third ? t('bar.consulted', { name: third }) : [t('bar.otherSide'), who].filter(Boolean).join(': ')}
      >
        <span className="bar-who">
          <b>{[number || t('bar.unknownCaller'), third].filter(Boolean).join(' + ')}</b>
          {who && <span data-testid="other-side"> {who}</span>}
        </span>
      </Tooltip>
      <span>
        <Tag color="processing" data-testid="phase" style={{ marginInlineEnd: 6 }}>
          {desk?.agent?.supervises ? t('agents.supervising') : t(`phase.${shown}`)}
        </Tag>
        {since && duration(now - Date.parse(since))}
        {call?.recording && (
          <span title={t('bar.recording')} style={{ color: token.colorError }}>
            {' \u25CF'}
          </span>
        )}
        {line.kind === 'up' && <QualityMark />}
      </span>
    </div>
  );
}
