import { useTranslation } from 'react-i18next';
import { phaseOf, wayOf } from '../desk/model';
import { useDesk } from '../desk/store';
import { usePhone } from '../phone/softphone';

/**
 * Reads out what changes, to who does not see it: how one stands and what the call does when there is a pause, and who calls at once.
 * Nothing in it ticks: a clock would be read each second.
 */
export function Announcer() {
  const { t } = useTranslation();
  const desk = useDesk((seen) => seen.desk);
  const line = usePhone((phone) => phone.line);
  const agent = desk?.agent;
  const phase = phaseOf(agent);
  const state = agent && (wayOf(agent) === 'mobile' ? t('bar.byMobile') : t(`state.${agent.state}`));
  const calm = [state, phase === 'none' ? undefined : t(`phase.${phase}`)];
  const isRung = phase === 'ringing' || line.kind === 'ringing';
  const caller = desk?.call?.caller || (line.kind === 'ringing' ? line.from : '') || t('bar.unknownCaller');
  const urgent = isRung ? [t('incoming.title'), caller, desk?.offered_by?.queue] : [];
  return (
    <>
      <div className="unseen" aria-live="polite" data-testid="told">
        {calm.filter(Boolean).join(' ')}
      </div>
      <div className="unseen" aria-live="assertive" data-testid="told-at-once">
        {urgent.filter(Boolean).join(' ')}
      </div>
    </>
  );
}
