import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { api, ask } from '../../api/client';
import { usePreferences } from '../../app/preferences';
import { may, type Permission, type Session, useSession } from '../../app/session';

export const SETUP_PATH = '/settings/setup';

const NEEDED: readonly Permission[] = [
  'tenants.write',
  'employees.write',
  'extensions.write',
  'trunks.write',
  'flows.write',
  'routes.write',
];

/** Who may do all that setting up takes. */
export function maySetUp(session: Session): boolean {
  return NEEDED.every((key) => may(session, key));
}

/** The extensions and the route that the first start makes. */
const FIRST_EXTENSIONS = ['1001', '1002', '1003'];
const SAMPLE_ROUTE = 'sample';

/** Whether nobody has set anything up yet. */
async function isEmpty(): Promise<boolean> {
  const query = { limit: 10 };
  const [trunks, routes, extensions] = await Promise.all([
    ask(api.GET('/api/v1/trunks', { params: { query } })),
    ask(api.GET('/api/v1/routes', { params: { query } })),
    ask(api.GET('/api/v1/extensions', { params: { query } })),
  ]);
  return (
    trunks.items.length === 0 &&
    routes.items.every(({ name }) => name === SAMPLE_ROUTE) &&
    extensions.items.every(({ number }) => FIRST_EXTENSIONS.includes(number))
  );
}

/** Shows an administrator of an empty centre how to begin, once: who has skipped it finds it in the menu. */
export function useFirstRun(): void {
  const session = useSession();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const isSkipped = usePreferences(({ skippedSetup }) => skippedSetup);
  const isShown = useRef(false);
  const { data } = useQuery({
    queryKey: ['first-run'],
    queryFn: isEmpty,
    enabled: maySetUp(session) && !isSkipped,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    if (!data || isSkipped || isShown.current) return;
    isShown.current = true;
    // Who came by the address of a page wants that page.
    if (pathname === '/') navigate(SETUP_PATH);
  }, [data, isSkipped, navigate, pathname]);
}
