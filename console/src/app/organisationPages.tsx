import { IdcardOutlined, TeamOutlined } from '@ant-design/icons';
import { lazy } from 'react';
import type { Page } from './page';
import { may } from './session';

const Employees = lazy(() =>
  import('../pages/organisation/Employees').then(({ Employees }) => ({ default: Employees })),
);
const Roles = lazy(() => import('../pages/organisation/Roles').then(({ Roles }) => ({ default: Roles })));

/** The organisation and the system, in the settings. */
export const organisationPages: readonly Page[] = [
  {
    path: '/employees',
    name: 'employees',
    group: 'settings',
    section: 'organisation',
    icon: <TeamOutlined />,
    draw: Employees,
    isFor: (session) => may(session, 'employees.read') || may(session, 'departments.read'),
  },
  {
    path: '/roles',
    name: 'roles',
    group: 'settings',
    section: 'organisation',
    icon: <IdcardOutlined />,
    draw: Roles,
    isFor: (session) => may(session, 'roles.read'),
  },
];
