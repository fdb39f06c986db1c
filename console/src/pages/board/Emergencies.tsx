import { Alert, App } from 'antd';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../../api/client';
import { useSession } from '../../app/session';
import { useDesk } from '../../desk/store';
import { timeOfDay } from '../../format';

type Emergency = Schemas['EmergencyCall'];

function useWords(): (emergency: Emergency) => string {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  return ({ agent, extension, number, since }) =>
    t('emergency.call', {
      who: [agent, extension && `${t('agents.extension')} ${extension}`].filter(Boolean).join(' · '),
      number,
      at: timeOfDay(since, zone),
    });
}

/** Emergency calls that are under way (GEN-18), on the boards. */
export function Emergencies({ calls }: { calls: readonly Emergency[] }) {
  const words = useWords();
  return calls.map((one) => (
    <Alert key={one.call} showIcon type="error" role="alert" data-testid="emergency" title={words(one)} />
  ));
}

/** Tells a supervisor once of each emergency call, wherever he is; it stays until he closes it. */
export function useEmergencyNotice(): void {
  const { t } = useTranslation();
  const { notification } = App.useApp();
  const words = useWords();
  const calls = useDesk(({ desk }) => desk?.emergencies);
  const told = useRef(new Set<string>());
  useEffect(() => {
    for (const one of calls ?? []) {
      if (told.current.has(one.call)) continue;
      told.current.add(one.call);
      notification.error({ key: one.call, duration: 0, title: t('emergency.title'), description: words(one) });
    }
  }, [calls, notification, t, words]);
}
