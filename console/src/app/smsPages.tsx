import { FormOutlined, HighlightOutlined, MessageOutlined } from '@ant-design/icons';
import { lazy } from 'react';
import type { Page } from './page';
import { may } from './session';

const SmsMessages = lazy(() =>
  import('../pages/sms/SmsMessages').then(({ SmsMessages }) => ({ default: SmsMessages })),
);
const SmsTemplates = lazy(() =>
  import('../pages/sms/SmsTemplates').then(({ SmsTemplates }) => ({ default: SmsTemplates })),
);
const SmsSignatures = lazy(() =>
  import('../pages/sms/SmsSignatures').then(({ SmsSignatures }) => ({ default: SmsSignatures })),
);

/** Short messages (SMS). */
export const smsPages: readonly Page[] = [
  {
    path: '/sms',
    name: 'smsMessages',
    group: 'sms',
    icon: <MessageOutlined />,
    draw: SmsMessages,
    isFor: (session) => may(session, 'sms.messages.read'),
  },
  {
    path: '/sms-templates',
    name: 'smsTemplates',
    group: 'sms',
    icon: <FormOutlined />,
    draw: SmsTemplates,
    isFor: (session) => may(session, 'sms.templates.read'),
  },
  {
    path: '/sms-signatures',
    name: 'smsSignatures',
    group: 'sms',
    icon: <HighlightOutlined />,
    draw: SmsSignatures,
    isFor: (session) => may(session, 'sms.templates.read'),
  },
];
