import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { textOf } from '../api/problem';
import { phaseOf, wayOf } from '../desk/model';
import { originate } from '../desk/orders';
import { cleanNumber, mayDialIn } from '../desk/phases';
import { useDesk } from '../desk/store';
import { call, usePhone } from '../phone/softphone';

/** Dials by whatever phone one is signed in with, or says why not (CALL-06). */
export function useDial(): (typed: string) => boolean {
  const { t } = useTranslation();
  const { message } = App.useApp();
  return (typed) => {
    const agent = useDesk.getState().desk?.agent;
    const { registration, line } = usePhone.getState();
    const way = wayOf(agent);
    const number = cleanNumber(typed);
    const refuse = (why: string) => {
      void message.warning(why);
      return false;
    };
    if (number === undefined) return refuse(t('dial.badNumber'));
    if (!agent || way === 'out') return refuse(t('dial.noPhone'));
    if (phaseOf(agent) !== 'none' || line.kind !== 'free') return refuse(t('dial.onCall'));
    if (!mayDialIn(agent.state)) return refuse(t('dial.notInState', { state: t(`state.${agent.state}`) }));
    if (way === 'web') {
      if (registration.kind === 'elsewhere') return refuse(t('frame.phoneElsewhere'));
      if (registration.kind !== 'registered') return refuse(t('dial.noPhone'));
      call(number);
      return true;
    }
    originate(agent.signed_in_on ?? '', number).catch((error) => void message.error(textOf(error)));
    return true;
  };
}
