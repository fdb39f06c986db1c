import { ApartmentOutlined } from '@ant-design/icons';
import { lazy } from 'react';
import type { Page } from './page';
import { may } from './session';

const Flows = lazy(() => import('../pages/Flows').then(({ Flows }) => ({ default: Flows })));

const of = { group: 'settings', section: 'telephony' } as const;

/** Numbers, what callers go through, and who takes calls (QUEUE-08). */
export const telephonyPages: readonly Page[] = [
  {
    ...of,
    path: '/settings/flows',
    name: 'flows',
    icon: <ApartmentOutlined />,
    draw: Flows,
    isFor: (session) => may(session, 'flows.read'),
  },
];
