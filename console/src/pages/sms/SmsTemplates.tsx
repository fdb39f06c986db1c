import { useQuery } from '@tanstack/react-query';
import { Form, Input, Modal, Radio, Select, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import '../../i18n/smsRefusals';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useAct, useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';

type Template = Schemas['SmsTemplate'];
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed'; template: Template };

const TEMPLATES = ['sms-templates'];
const COLOURS: Record<Template['state'], string> = { pending: 'processing', approved: 'success', rejected: 'error' };
const pathOf = ({ id }: Template) => ({ params: { path: { id } } });

/** Templates and their review (SMS-06, SMS-07). */
export function SmsTemplates() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const [reviewed, setReviewed] = useState<Template>();
  const actions = (template: Template) => [
    ...(may('sms.review') ? [{ label: t('sms.templates.review'), act: () => setReviewed(template) }] : []),
    ...(may('sms.templates.write')
      ? [
          { label: t('settings.edit'), act: () => setEdited({ kind: 'changed', template }) },
          {
            label: t('settings.delete'),
            danger: true,
            act: () =>
              erase({
                name: template.name,
                remove: () => ask(api.DELETE('/api/v1/sms/templates/{id}', pathOf(template))),
                lists: [TEMPLATES],
              }),
          },
        ]
      : []),
  ];
  return (
    <div className="page">
      <SettingsList<Template>
        name={TEMPLATES}
        load={(query) => ask(api.GET('/api/v1/sms/templates', { params: { query } }))}
        rowKey={({ id }) => id}
        searchIn={({ name }) => [name]}
        searchLabel={t('sms.templates.byName')}
        columns={[
          { title: t('sms.templates.name'), dataIndex: 'name' },
          { title: t('sms.templates.content'), dataIndex: 'content', width: 360, ellipsis: true },
          { title: t('sms.signature'), dataIndex: 'signature_name' },
          {
            title: t('sms.templates.state'),
            render: (_, { state, reason }) => (
              <>
                <Tag color={COLOURS[state]}>{t(`sms.templates.states.${state}`)}</Tag>
                {reason}
              </>
            ),
          },
          { title: t('sms.templates.author'), dataIndex: 'author' },
          { title: t('sms.templates.reviewer'), dataIndex: 'reviewer' },
        ]}
        add={
          may('sms.templates.write')
            ? { label: t('sms.templates.add'), act: () => setEdited({ kind: 'new' }) }
            : undefined
        }
        actions={actions}
      />
      <TemplateForm edited={edited} close={() => setEdited({ kind: 'none' })} />
      {reviewed && <Review template={reviewed} close={() => setReviewed(undefined)} />}
    </div>
  );
}

type Filled = Pick<Template, 'name' | 'content' | 'signature' | 'gateway_template'>;

function TemplateForm({ edited, close }: { edited: Edited; close: () => void }) {
  const { t } = useTranslation();
  const signatures = useQuery({
    queryKey: ['sms-signatures'],
    queryFn: () => ask(api.GET('/api/v1/sms/signatures')),
    enabled: edited.kind !== 'none',
  }).data?.items;
  if (edited.kind === 'none') return null;
  const template = edited.kind === 'changed' ? edited.template : undefined;
  return (
    <FormDrawer<Filled, Template>
      title={template ? t('sms.templates.edit') : t('sms.templates.add')}
      lists={[TEMPLATES]}
      identity="name"
      close={close}
      read={template ? () => askTagged(api.GET('/api/v1/sms/templates/{id}', pathOf(template))) : undefined}
      fill={(shown) => shown ?? { name: '', content: '', gateway_template: '' }}
      save={(body, etag) =>
        ask(
          template
            ? api.PUT('/api/v1/sms/templates/{id}', { ...pathOf(template), ...ifMatch(etag), body })
            : api.POST('/api/v1/sms/templates', { body }),
        )
      }
    >
      <Form.Item name="name" label={t('sms.templates.name')} rules={[{ required: true, whitespace: true, max: 64 }]}>
        <Input autoFocus />
      </Form.Item>
      <Form.Item name="signature" label={t('sms.signature')} rules={[{ required: true }]}>
        <Select
          loading={!signatures}
          notFoundContent={t('sms.noSignatures')}
          options={signatures?.map(({ id, name }) => ({ value: id, label: name }))}
        />
      </Form.Item>
      <Form.Item
        name="content"
        label={t('sms.templates.content')}
        extra={t('sms.templates.contentHint')}
        rules={[{ required: true, whitespace: true, max: 500 }]}
      >
        <Input.TextArea autoSize={{ minRows: 4, maxRows: 10 }} maxLength={500} showCount />
      </Form.Item>
      <Form.Item
        name="gateway_template"
        label={t('sms.templates.gateway')}
        extra={t('sms.templates.gatewayHint')}
        rules={[{ max: 64 }]}
      >
        <Input />
      </Form.Item>
    </FormDrawer>
  );
}

interface Verdict {
  approve: boolean;
  reason?: string;
}

function Review({ template, close }: { template: Template; close: () => void }) {
  const { t } = useTranslation();
  const act = useAct();
  const { employee } = useSession();
  const [form] = Form.useForm<Verdict>();
  const approves = Form.useWatch('approve', form) ?? true;
  const send = async (body: Verdict) => {
    await act(
      () => ask(api.POST('/api/v1/sms/templates/{id}/review', { ...pathOf(template), body })),
      t('sms.templates.reviewed'),
      [TEMPLATES],
    );
    close();
  };
  return (
    <Modal
      open
      title={t('sms.templates.review')}
      okText={t('common.ok')}
      cancelText={t('common.cancel')}
      onOk={() => form.submit()}
      onCancel={close}
    >
      <p>
        {template.name}
        {template.author !== employee && ` · ${t('sms.templates.author')} ${template.author}`}
      </p>
      <div className="sms-preview">{`【${template.signature_name}】${template.content}`}</div>
      <Form<Verdict>
        form={form}
        layout="vertical"
        initialValues={{ approve: true }}
        onFinish={(body) => void send(body)}
        style={{ marginTop: 16 }}
      >
        <Form.Item name="approve">
          <Radio.Group
            options={[
              { value: true, label: t('sms.templates.approve') },
              { value: false, label: t('sms.templates.reject') },
            ]}
          />
        </Form.Item>
        {!approves && (
          <Form.Item
            name="reason"
            label={t('sms.templates.rejectReason')}
            rules={[{ required: true, whitespace: true, max: 200, message: t('sms.templates.reasonRequired') }]}
          >
            <Input.TextArea autoSize={{ minRows: 2, maxRows: 5 }} maxLength={200} showCount />
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}
