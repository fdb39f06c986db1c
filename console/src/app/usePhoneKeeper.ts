import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { textOf } from '../api/problem';
import { hint } from '../bar/hint';
import { wayOf } from '../desk/model';
import { signInPhone, signOutPhone } from '../desk/orders';
import { useDesk } from '../desk/store';
import { register, unregister, usePhone } from '../phone/softphone';
import { usePreferences } from './preferences';
import { may, takeFresh, useSession } from './session';

/** How long after a refusal a new credential is asked for, ms: a server that was started again does not know the old one. */
const AGAIN_MS = 3_000;

/** Signs the phone in with the login (PHONE-02, PHONE-03), and makes the browser a phone again when its page was loaded anew. */
export function usePhoneKeeper(): void {
  const { t } = useTranslation();
  const session = useSession();
  const agent = useDesk(({ desk }) => desk?.agent);
  const isSeen = useRef(false);
  const me = session.employee ?? '';
  const way = wayOf(agent);
  const extension = agent?.signed_in_on ?? '';
  const isRefused = usePhone(({ registration }) => registration.kind === 'refused');

  // Once, when the server first says how one stands: what one does later is ordered, and needs no watching.
  useEffect(() => {
    if (!agent || isSeen.current) return;
    isSeen.current = true;
    const chosen = usePreferences.getState();
    const isFresh = takeFresh();
    const again = () => (way === 'web' ? register(extension).catch(() => undefined) : undefined);
    if (!isFresh || chosen.way === 'none') {
      void again();
      return;
    }
    // PHONE-04: the login stands, whatever comes of the phone.
    if (chosen.way === 'web' && !may(session, 'extensions.use')) return hint(t('signIn.mayNot'));
    const failed = (error: unknown) => hint(textOf(error));
    const signIn = () => signInPhone(me, chosen.way as 'web' | 'desk', chosen.extension).catch(failed);
    // Whoever left without logging out is signed in still: that ends, but not during a call.
    if (way === 'web' || way === 'desk') signOutPhone(me).then(signIn, again);
    else void signIn();
  }, [agent, me, way, extension, session, t]);

  useEffect(() => {
    if (!isRefused || way !== 'web') return;
    const timer = setTimeout(() => register(extension).catch(() => undefined), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [isRefused, way, extension]);

  useEffect(() => unregister, []);
}
