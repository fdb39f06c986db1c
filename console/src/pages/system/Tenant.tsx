import { Col, Descriptions, Form, Input, InputNumber, Row, Select, Space, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { PageForm } from '../../ui/settings/PageForm';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { ZoneSelect } from '../../ui/ZoneSelect';

type Tenant = Schemas['TenantShown'];
interface Filled {
  name: string;
  language: string;
  caller_number: string;
  emergency: string[];
  record_internal: boolean;
  recording_keep_days: number | null;
  time_zone: string;
  recording_format: string;
  auto_unlock_min: number;
  product: string;
  hotline: string;
  website: string;
  address: string;
}

const LANGUAGES = ['zh-CN', 'en'] as const;
const FORMATS = ['', 'wav', 'opus'] as const;

/** The settings of the enterprise: its own, and those of the CRM. */
export function TenantPage() {
  const may = useMay();
  return (
    <div className="page">
      {may('tenants.read') && <OwnTenant />}
      {may('crm.settings.read') && <CrmSettings />}
    </div>
  );
}

function OwnTenant() {
  const { t } = useTranslation();
  const may = useMay();
  const { tenant } = useSession();
  const params = { path: { id: tenant } };
  return (
    <PageForm<Filled, Tenant>
      title={t('tenant.title')}
      name={['tenant']}
      isLocked={!may('tenants.write')}
      read={() => askTagged(api.GET('/api/v1/tenants/{id}', { params }))}
      fill={(shown) => ({
        ...shown,
        caller_number: shown.caller_number ?? '',
        recording_keep_days: shown.recording_keep_days ?? null,
        recording_format: shown.recording_format ?? '',
      })}
      save={({ caller_number, recording_format, ...values }, etag) => {
        const body = {
          ...values,
          caller_number: caller_number.trim() || null,
          recording_format: recording_format || null,
        };
        return ask(api.PATCH('/api/v1/tenants/{id}', { params, ...ifMatch(etag), body }));
      }}
    >
      {(shown) => <Fields shown={shown} />}
    </PageForm>
  );
}

function Fields({ shown }: { shown: Tenant }) {
  const { t } = useTranslation();
  return (
    <>
      <Descriptions
        size="small"
        column={2}
        style={{ marginBottom: 16 }}
        items={[
          { key: 'id', label: t('tenant.code'), children: shown.id },
          { key: 'domains', label: t('tenant.domains'), children: shown.domains.join(', ') },
        ]}
      />
      <Row gutter={16}>
        <Col span={12}>
          <Form.Item name="name" label={t('tenant.name')} rules={[{ required: true, whitespace: true, max: 64 }]}>
            <Input />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item name="language" label={t('tenant.language')} tooltip={t('tenant.languageHint')}>
            <Select options={LANGUAGES.map((value) => ({ value, label: t(`tenant.languages.${value}`) }))} />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item name="time_zone" label={t('tenant.zone')} rules={[{ required: true }]}>
            <ZoneSelect />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item name="caller_number" label={t('tenant.caller')} tooltip={t('tenant.callerHint')}>
            <Input inputMode="tel" allowClear />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item
            name="emergency"
            label={t('tenant.emergency')}
            tooltip={t('tenant.emergencyHint')}
            rules={[{ required: true }]}
          >
            <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item name="recording_format" label={t('tenant.format')}>
            <Select options={FORMATS.map((value) => ({ value, label: t(`tenant.formats.${value || 'default'}`) }))} />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item name="recording_keep_days" label={t('tenant.keep')} tooltip={t('tenant.keepHint')}>
            <KeepDays />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item
            name="auto_unlock_min"
            label={t('tenant.unlock')}
            tooltip={t('tenant.unlockHint')}
            rules={[{ required: true }]}
          >
            <InputNumber min={0} max={525_600} precision={0} suffix={t('tenant.minutes')} style={{ width: '100%' }} />
          </Form.Item>
        </Col>
        <About />
        <Col span={24}>
          <Form.Item name="record_internal" label={t('tenant.internal')} valuePropName="checked">
            <Switch />
          </Form.Item>
        </Col>
      </Row>
    </>
  );
}

/** GEN-01. */
const ABOUT = ['product', 'hotline', 'website', 'address'] as const;

function About() {
  const { t } = useTranslation();
  return ABOUT.map((name) => (
    <Col span={12} key={name}>
      <Form.Item
        name={name}
        label={t(`tenant.${name}`)}
        tooltip={t('tenant.aboutHint')}
        rules={[name === 'website' ? { type: 'url', max: 200 } : { max: 200 }]}
      >
        <Input placeholder={name === 'product' ? t('product') : undefined} />
      </Form.Item>
    </Col>
  ));
}

const WAYS = ['default', 'forever', 'days'] as const;
type Keeping = (typeof WAYS)[number];
const DAYS_FIRST = 180;

/** As the configuration says (null), for ever (0), or so many days. */
function KeepDays({ value = null, onChange }: { value?: number | null; onChange?: (days: number | null) => void }) {
  const { t } = useTranslation();
  const way: Keeping = value === null ? 'default' : value === 0 ? 'forever' : 'days';
  const days: Record<Keeping, number | null> = { default: null, forever: 0, days: DAYS_FIRST };
  return (
    <Space.Compact block>
      <Select<Keeping>
        value={way}
        aria-label={t('tenant.keep')}
        onChange={(chosen) => onChange?.(days[chosen])}
        options={WAYS.map((one) => ({ value: one, label: t(`tenant.keeps.${one}`) }))}
      />
      {way === 'days' && (
        <InputNumber
          min={1}
          max={36_500}
          precision={0}
          value={value}
          suffix={t('tenant.days')}
          aria-label={t('tenant.days')}
          onChange={(count) => count && onChange?.(count)}
          style={{ width: '100%' }}
        />
      )}
    </Space.Compact>
  );
}

type Crm = Required<Schemas['CrmSettings']>;

function CrmSettings() {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <PageForm<Crm, Schemas['CrmSettings']>
      title={t('tenant.crm')}
      name={['crm-settings']}
      isLocked={!may('crm.settings.write')}
      read={() => askTagged(api.GET('/api/v1/crm/settings'))}
      fill={({ lost_auto_release_h = 0, sms_interval_s = 60, sms_day_max = 10 }) => ({
        lost_auto_release_h,
        sms_interval_s,
        sms_day_max,
      })}
      save={(body, etag) => ask(api.PATCH('/api/v1/crm/settings', { ...ifMatch(etag), body }))}
    >
      <Form.Item
        name="lost_auto_release_h"
        label={t('tenant.release')}
        rules={[{ required: true }]}
        extra={t('tenant.releaseHint')}
      >
        <InputNumber min={0} precision={0} suffix={t('tenant.hours')} style={{ width: 200 }} />
      </Form.Item>
      <Form.Item name="sms_interval_s" label={t('tenant.smsInterval')} rules={[{ required: true }]}>
        <InputNumber min={0} max={86_400} precision={0} suffix={t('tenant.seconds')} style={{ width: 200 }} />
      </Form.Item>
      <Form.Item name="sms_day_max" label={t('tenant.smsDayMax')} rules={[{ required: true }]}>
        <InputNumber min={0} max={1_000} precision={0} style={{ width: 200 }} />
      </Form.Item>
    </PageForm>
  );
}
