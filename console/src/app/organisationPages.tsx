import {
  ApiOutlined,
  AuditOutlined,
  HeartOutlined,
  IdcardOutlined,
  KeyOutlined,
  LockOutlined,
  SafetyOutlined,
  ShopOutlined,
  StopOutlined,
  TeamOutlined,
} from '@ant-design/icons';
import { lazy } from 'react';
import type { Page } from './page';
import { may } from './session';

const Employees = lazy(() =>
  import('../pages/organisation/Employees').then(({ Employees }) => ({ default: Employees })),
);
const Roles = lazy(() => import('../pages/organisation/Roles').then(({ Roles }) => ({ default: Roles })));
const TenantPage = lazy(() => import('../pages/system/Tenant').then(({ TenantPage }) => ({ default: TenantPage })));
const Blocks = lazy(() => import('../pages/system/Blocks').then(({ Blocks }) => ({ default: Blocks })));
const Tokens = lazy(() => import('../pages/system/Tokens').then(({ Tokens }) => ({ default: Tokens })));
const Webhooks = lazy(() => import('../pages/system/Webhooks').then(({ Webhooks }) => ({ default: Webhooks })));
const Audit = lazy(() => import('../pages/system/Audit').then(({ Audit }) => ({ default: Audit })));
const Bans = lazy(() => import('../pages/system/Bans').then(({ Bans }) => ({ default: Bans })));
const SystemPage = lazy(() => import('../pages/system/System').then(({ SystemPage }) => ({ default: SystemPage })));
const CertificateHelp = lazy(() =>
  import('../pages/system/CertificateHelp').then(({ CertificateHelp }) => ({ default: CertificateHelp })),
);

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
  {
    path: '/tenant',
    name: 'tenant',
    group: 'settings',
    section: 'system',
    icon: <ShopOutlined />,
    draw: TenantPage,
    isFor: (session) => may(session, 'tenants.read') || may(session, 'crm.settings.read'),
  },
  {
    path: '/blocks',
    name: 'blocks',
    group: 'settings',
    section: 'telephony',
    icon: <StopOutlined />,
    draw: Blocks,
    isFor: (session) => may(session, 'blocks.read'),
  },
  {
    path: '/tokens',
    name: 'tokens',
    group: 'settings',
    section: 'system',
    icon: <KeyOutlined />,
    draw: Tokens,
    isFor: (session) => may(session, 'tokens.read'),
  },
  {
    path: '/webhooks',
    name: 'webhooks',
    group: 'settings',
    section: 'system',
    icon: <ApiOutlined />,
    draw: Webhooks,
    isFor: (session) => may(session, 'webhooks.read'),
  },
  {
    path: '/audit',
    name: 'audit',
    group: 'settings',
    section: 'system',
    icon: <AuditOutlined />,
    draw: Audit,
    isFor: (session) => may(session, 'audit.read'),
  },
  {
    path: '/bans',
    name: 'bans',
    group: 'settings',
    section: 'system',
    icon: <SafetyOutlined />,
    draw: Bans,
    isFor: (session) => may(session, 'bans.read'),
  },
  {
    path: '/system',
    name: 'system',
    group: 'settings',
    section: 'system',
    icon: <HeartOutlined />,
    draw: SystemPage,
    isFor: (session) => may(session, 'system.read'),
  },
  {
    path: '/https',
    name: 'https',
    group: 'settings',
    section: 'system',
    icon: <LockOutlined />,
    draw: CertificateHelp,
    isFor: (session) => may(session, 'system.read'),
  },
];
