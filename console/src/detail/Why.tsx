import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { duration } from '../format';

/** Why a queue rang this agent: by which rule, and who else there was. */
export function Why({ why }: { why: Schemas['WhyShown'] }) {
  const { t } = useTranslation();
  const text = ({ agent, level, idle_ms, answered_today, rejected }: Schemas['CandidateShown']) =>
    t(rejected ? 'why.rejected' : 'why.candidate', { agent, level, idle: duration(idle_ms), answered: answered_today });
  return (
    <div data-testid="why">
      {t(`why.${why.rule}`)}
      {' · '}
      {t('why.asked', { level: why.level, waited: duration(why.waited_ms), count: why.idle })}
      <ol style={{ margin: 0, paddingInlineStart: 20 }}>
        {why.candidates.map((candidate) => (
          <li key={candidate.agent}>{text(candidate)}</li>
        ))}
      </ol>
    </div>
  );
}
